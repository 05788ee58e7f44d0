//! The operator's override: the one way to free a load without the carrier's word.

use super::*;

#[tokio::test]
async fn an_operator_releases_what_nobody_can_prove_and_nothing_else() {
    let bench = Bench::new(|request| if request.method == Method::POST { lost() } else { unreachable() }).await;
    let id = text(&bench.create().await.unwrap(), "/tenderId");
    let release = |actor: &'static str| {
        let (client, id) = (bench.client.clone(), id.clone());
        async move { client.tender_release_unproven(&id, actor, "the night desk says no truck", "RB-01").await }
    };
    let anonymous = bench.pass(SECOND / 20, release(" ")).await.unwrap_err();
    assert_eq!(anonymous.code(), Code::InvalidArgument);

    let freed = bench.pass(SECOND / 20, release("dana@acme.test")).await.unwrap();
    assert_eq!((text(&freed, "/state"), freed.boolean("/loadReleased")), ("withdrawn".into(), Some(true)));
    assert_eq!(text(&freed, "/reason/code"), "released_by_operator");
    let twice = bench.pass(SECOND / 20, release("dana@acme.test")).await.unwrap_err();
    assert_eq!(twice.code(), Code::IllegalTransition);

    // The audit: who, why, by which runbook, and in what state it was.
    let export = bench.client.journal_export().await.unwrap();
    let entry = export.iter().find(|entry| text(entry, "/kind") == "OVERRIDE").expect("the override is in the journal");
    assert_eq!((text(entry, "/body/actor"), text(entry, "/body/runbook")), ("dana@acme.test".into(), "RB-01".into()));
    assert_eq!((text(entry, "/body/state"), entry.boolean("/body/proven")), ("offer".into(), Some(false)));

    // Nothing of the creation goes out again, however long it takes; a tombstone does.
    let creates = || bench.asked(&Method::POST, "/v1/tenders").len() - bench.asked(&Method::POST, "/v1/tenders/").len();
    let before = creates();
    let name = id.clone();
    bench.script(
        move |request| {
            if request.path.contains("/withdrawals/") { snapshot(&name, "withdrawn", 0) } else { absent(&name) }
        },
    );
    bench
        .pass(SECOND, async {
            while bench.client.journal_verify().await.unwrap().integer("/unresolved") != Some(0)
                || bench.asked(&Method::POST, &format!("/v1/tenders/{id}/withdrawals/")).is_empty()
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    assert_eq!(creates(), before);
}

#[tokio::test]
async fn what_the_carrier_has_is_not_released_by_an_operator() {
    let bench = Bench::new(|_| snapshot("t", "pending", 0)).await;
    bench.script(move |request| {
        let id = request
            .body
            .as_ref()
            .and_then(|body| Document::parse(&body[..]).ok()?.text("/tenderId"))
            .unwrap_or_else(|| request.path.rsplit('/').next().unwrap_or_default().to_owned());
        snapshot(&id, "pending", 1)
    });
    let id = text(&bench.create().await.unwrap(), "/tenderId");
    let release = bench.client.tender_release_unproven(&id, "dana@acme.test", "tired of waiting", "RB-01");
    let refused = bench.pass(SECOND / 20, release).await.unwrap_err();
    assert_eq!(refused.code(), Code::IllegalTransition, "{refused}");
    assert!(refused.message().contains("withdraw"), "{refused}");
}
