use super::*;
use crate::auth::tests::assertion_pem;
use crate::clock::TestClock;
use crate::observe::SecurityStream;

const LEAD: Duration = Duration::from_secs(300);

struct World {
    clock: TestClock,
    folder: tempfile::TempDir,
    security: SecurityLog,
    events: SecurityStream,
}

impl World {
    fn new() -> Self {
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        let security = SecurityLog::new(Arc::new(clock.clone()));
        Self { clock, folder: tempfile::tempdir().unwrap(), events: security.stream(), security }
    }

    fn write(&self, pem: &str) {
        // As a deployment does it: beside the file, then over it.
        let (path, beside) = (self.folder.path().join("a.pem"), self.folder.path().join("a.new"));
        std::fs::write(&beside, pem).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    fn keys(&self) -> AssertionKeys {
        let source = PemSource::File(self.folder.path().join("a.pem"));
        AssertionKeys::new("aurora", &source, LEAD, Arc::new(self.clock.clone()), self.security.clone()).unwrap()
    }

    async fn journal(&self) -> Journal {
        let path = self.folder.path().join("journal.db");
        Journal::open(&path, "test", "acme", Arc::new(self.clock.clone())).await.unwrap()
    }

    /// What happened since the last look: `kid step`, with `a`, `b` for the kids.
    async fn told(&mut self, pems: &[&str]) -> Vec<String> {
        self.security.emit(&SecurityEvent::new(Activity::TokenObtained));
        let kids: Vec<String> = pems.iter().map(|pem| kid(pem)).collect();
        let mut told = Vec::new();
        loop {
            let event = self.events.next().await.unwrap();
            if event.text("/message").unwrap() != Activity::KeySchedule.as_str() {
                return told;
            }
            let step = event.text("/unmapped/step").unwrap_or_else(|| "unreadable".to_owned());
            let name = event.text("/unmapped/kid").and_then(|kid| kids.iter().position(|known| *known == kid));
            told.push(name.map_or(step.clone(), |at| format!("{} {step}", ["a", "b"][at])));
        }
    }
}

fn kid(pem: &str) -> String {
    let source = PemSource::Inline(crate::secret::Secret::new(pem));
    private_pem::signers(&source, "k").unwrap()[0].jwk().thumbprint()
}

async fn signs(keys: &AssertionKeys) -> String {
    keys.signer().await.unwrap().jwk().thumbprint()
}

#[tokio::test]
async fn negative_n31_a_key_that_is_appended_to_the_file_signs_after_its_lead_and_all_of_it_is_told() {
    let mut world = World::new();
    let (a, b) = (assertion_pem(), assertion_pem());
    world.write(&a);
    let keys = world.keys();
    assert_eq!(signs(&keys).await, kid(&a));
    assert_eq!(world.told(&[&a, &b]).await, ["a published", "a began"]);
    world.write(&format!("{a}{b}"));
    assert_eq!(signs(&keys).await, kid(&a));
    assert_eq!(keys.schedule().await.len(), 2);
    assert_eq!(world.told(&[&a, &b]).await, ["b published"]);
    world.clock.advance(LEAD);
    assert_eq!(signs(&keys).await, kid(&b));
    assert_eq!(world.told(&[&a, &b]).await, ["a replaced", "b began"]);
    let expiries = keys.expiries();
    assert_eq!((expiries.len(), &expiries[0].id), (1, &kid(&a)));
    assert_eq!(expiries[0].until.to_string(), "2026-02-20T08:10:00Z");
    world.clock.advance(Duration::from_millis(RETENTION_MS.unsigned_abs()));
    assert_eq!(signs(&keys).await, kid(&b));
    assert_eq!(world.told(&[&a, &b]).await, ["a removed"]);
    assert!(keys.expiries().is_empty());
}

#[tokio::test]
async fn a_file_that_is_half_written_or_gone_keeps_the_last_keys_and_is_told_once() {
    let mut world = World::new();
    let a = assertion_pem();
    world.write(&a);
    let keys = world.keys();
    signs(&keys).await;
    world.told(&[&a]).await;
    for broken in [Some(&a[..a.len() / 2]), Some(""), None] {
        match broken {
            Some(text) => world.write(text),
            None => std::fs::remove_file(world.folder.path().join("a.pem")).unwrap(),
        }
        for _ in 0..3 {
            assert_eq!(signs(&keys).await, kid(&a));
        }
        assert_eq!(world.told(&[&a]).await, ["unreadable"], "{broken:?}");
    }
    world.write(&a);
    assert_eq!(signs(&keys).await, kid(&a));
    assert!(world.told(&[&a]).await.is_empty());
}

#[tokio::test]
async fn negative_n31_two_processes_on_one_journal_sign_by_the_same_key_and_a_restart_changes_nothing() {
    let world = World::new();
    let (a, b) = (assertion_pem(), assertion_pem());
    world.write(&a);
    let (one, two) = (world.keys(), world.keys());
    one.share(world.journal().await);
    two.share(world.journal().await);
    assert_eq!(signs(&one).await, kid(&a));
    world.clock.advance(Duration::from_secs(1000));
    world.write(&format!("{a}{b}"));
    assert_eq!(signs(&one).await, kid(&a));
    world.clock.advance(Duration::from_secs(200));
    // The other looks later, and a third starts later still: the time counts from the first publication.
    assert_eq!(signs(&two).await, kid(&a));
    world.clock.advance(Duration::from_secs(100));
    let three = world.keys();
    three.share(world.journal().await);
    for keys in [&three, &one, &two] {
        assert_eq!(signs(keys).await, kid(&b));
    }
    assert_eq!(one.schedule().await, two.schedule().await);
    assert_eq!(two.schedule().await, three.schedule().await);
}

#[tokio::test]
async fn a_journal_that_fails_does_not_take_the_key_away() {
    let world = World::new();
    let a = assertion_pem();
    world.write(&a);
    let keys = world.keys();
    let journal = world.journal().await;
    keys.share(journal.clone());
    assert_eq!(signs(&keys).await, kid(&a));
    // The journal's thread ends by a panic in a job of its own, as the worst of failures.
    let ended = journal.run(|_| -> Result<()> { std::panic::resume_unwind(Box::new(())) }).await;
    assert!(ended.is_err());
    assert_eq!(signs(&keys).await, kid(&a));
}
