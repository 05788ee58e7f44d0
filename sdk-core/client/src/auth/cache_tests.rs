use std::sync::atomic::{AtomicU32, Ordering};

use gladhand_documents::error::Code;

use super::*;
use crate::clock::TestClock;

const KEY: TokenKey = TokenKey { profile: Profile::Dpop, scope: "tender:write" };

struct Server {
    cache: TokenCache,
    clock: TestClock,
    asked: Arc<AtomicU32>,
}

impl Server {
    fn new() -> Self {
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        Self { cache: TokenCache::default(), clock, asked: Arc::default() }
    }

    async fn get(&self, up: bool) -> Result<String> {
        self.get_with((!up).then_some(Code::TokenUnavailable)).await
    }

    async fn get_with(&self, failure: Option<Code>) -> Result<String> {
        self.get_of(&KEY, failure).await
    }

    async fn get_of(&self, key: &TokenKey, failure: Option<Code>) -> Result<String> {
        let clock: SharedClock = Arc::new(self.clock.clone());
        let asked = self.asked.clone();
        let fetch = move || -> BoxFuture<'static, Result<Fetched>> {
            Box::pin(async move {
                let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::task::yield_now().await;
                match failure {
                    None => Ok(Fetched { value: Secret::new(format!("t{count}")), lifetime: Duration::from_secs(300) }),
                    Some(code) => Err(Error::new(code, "down")),
                }
            })
        };
        self.cache.get(key, &clock, fetch).await.map(|token| token.value().expose().to_owned())
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Lets a renewal that runs beside the callers end.
    async fn settle(&self) {
        let slot = self.cache.slot(&KEY);
        tokio::task::yield_now().await;
        drop(slot.flight.lock().await);
    }
}

#[tokio::test]
async fn negative_n18_a_thousand_waiters_make_one_request() {
    let server = Arc::new(Server::new());
    let waiters: Vec<_> = (0..1000)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move { server.get(true).await.unwrap() })
        })
        .collect();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), "t1");
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn negative_n18_a_thousand_waiters_share_one_failure() {
    for code in [Code::TokenUnavailable, Code::TokenTypeDowngraded] {
        let server = Arc::new(Server::new());
        let waiters: Vec<_> = (0..1000)
            .map(|_| {
                let server = server.clone();
                tokio::spawn(async move { server.get_with(Some(code)).await.unwrap_err().code() })
            })
            .collect();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap(), code);
        }
        assert_eq!(server.asked(), 1, "{code}");
    }
}

#[tokio::test]
async fn negative_n15_a_hard_failure_is_not_remembered_once_the_server_is_good_again() {
    let server = Server::new();
    assert_eq!(server.get_with(Some(Code::TokenTypeDowngraded)).await.unwrap_err().code(), Code::TokenTypeDowngraded);
    assert_eq!(server.get(true).await.unwrap(), "t2", "no time has passed");

    // In a row they are held, shortly, so that a loop is no storm.
    let server = Server::new();
    for _ in 0..1000 {
        server.get_with(Some(Code::TokenTypeDowngraded)).await.unwrap_err();
    }
    assert_eq!(server.asked(), 2);
    let wait = server.get(true).await.unwrap_err().retry_after_ms().unwrap();
    assert!(wait <= 250, "{wait}");
    server.clock.advance(Duration::from_millis(wait));
    assert_eq!(server.get(true).await.unwrap(), "t3");
}

#[tokio::test]
async fn negative_n18_a_server_in_trouble_is_asked_for_no_other_scope_either() {
    let server = Server::new();
    server.get(false).await.unwrap_err();
    let other = TokenKey { profile: Profile::CertificateBound, scope: "tender:read" };
    assert_eq!(server.get_of(&other, None).await.unwrap_err().code(), Code::TokenUnavailable);
    assert_eq!(server.asked(), 1);
    server.clock.advance(Duration::from_millis(250));
    assert_eq!(server.get_of(&other, None).await.unwrap(), "t2");
    // A refusal of one scope says nothing of another.
    server.get_with(Some(Code::TokenRequestRefused)).await.unwrap_err();
    server.get_with(Some(Code::TokenRequestRefused)).await.unwrap_err();
    let third = TokenKey { profile: Profile::Dpop, scope: "tender:read" };
    assert!(server.get_of(&third, None).await.is_ok());
}

#[tokio::test]
async fn it_is_renewed_at_four_fifths_of_its_life_beside_the_callers() {
    let server = Server::new();
    assert_eq!(server.get(true).await.unwrap(), "t1");
    server.advance(224);
    assert_eq!(server.get(true).await.unwrap(), "t1");
    server.settle().await;
    assert_eq!(server.asked(), 1);
    server.advance(17);
    assert_eq!(server.get(true).await.unwrap(), "t1", "the old one serves meanwhile");
    server.settle().await;
    assert_eq!(server.get(true).await.unwrap(), "t2");
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn negative_n18_the_old_token_serves_to_its_end_when_the_server_is_down() {
    let server = Server::new();
    server.get(true).await.unwrap();
    server.advance(280);
    for _ in 0..10 {
        assert_eq!(server.get(false).await.unwrap(), "t1");
        server.settle().await;
    }
    assert_eq!(server.asked(), 2, "nobody asks again at once");
    server.advance(11);
    assert_eq!(server.get(false).await.unwrap_err().code(), Code::TokenUnavailable);
    assert_eq!(server.get(true).await.unwrap_err().code(), Code::TokenUnavailable, "the failure holds for a while");
    assert_eq!(server.asked(), 3);
    server.advance(10);
    assert_eq!(server.get(true).await.unwrap(), "t4");
}

#[tokio::test]
async fn a_failure_names_the_wait() {
    let server = Server::new();
    server.get(false).await.unwrap_err();
    let error = server.get(true).await.unwrap_err();
    assert!((1..=250).contains(&error.retry_after_ms().unwrap()));
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_forgotten_token_is_asked_for_again_unless_it_was_replaced() {
    let server = Server::new();
    server.get(true).await.unwrap();
    let first = server.cache.slot(&KEY).state().token.clone().unwrap();
    server.cache.forget(&KEY, &first);
    assert_eq!(server.get(true).await.unwrap(), "t2");
    server.cache.forget(&KEY, &first);
    assert_eq!(server.get(true).await.unwrap(), "t2");
}

#[tokio::test]
async fn negative_n17_one_scope_or_profile_never_gets_the_token_of_another() {
    let server = Server::new();
    server.get(true).await.unwrap();
    let other = TokenKey { profile: Profile::CertificateBound, scope: KEY.scope };
    let clock: SharedClock = Arc::new(server.clock.clone());
    let down = || -> BoxFuture<'static, Result<Fetched>> {
        Box::pin(async { Err(Error::new(Code::TokenRequestRefused, "asked")) })
    };
    assert!(server.cache.get(&other, &clock, down).await.is_err());
}
