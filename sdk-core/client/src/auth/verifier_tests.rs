use super::*;

/// A backend that is no use.
#[derive(Debug)]
struct Says(bool);

impl Verifier for Says {
    fn holds(&self, _: &PublishedKey, _: Verification, _: &[u8], _: &[u8]) -> bool {
        self.0
    }
}

#[test]
fn rfc_7515_appendix_a_3_holds_and_its_neighbours_do_not() {
    assert!(ready(&JsonWebToken).is_ok());
}

#[test]
fn negative_n37_a_backend_in_conflict_is_an_error_and_no_panic() {
    for useless in [Says(true), Says(false)] {
        assert_eq!(ready(&useless).unwrap_err().code(), Code::CryptoProviderConflict);
    }
    assert_eq!(ready_with(&JsonWebToken, true).unwrap_err().code(), Code::CryptoProviderConflict);
    assert!(!has_second_backend(), "no crate of this workspace compiles it in");
}

#[test]
fn negative_n37_another_provider_of_the_host_does_not_reach_us() {
    // The host installs one that panics on every use; ours is called by name and never asks for it.
    static HOSTILE: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| panic!("the host's signer was asked"),
        verifier_factory: |_, _| panic!("the host's verifier was asked"),
        key_utils: jsonwebtoken::crypto::KeyUtils::new_unimplemented(),
    };
    const CHILD: &str = "GLADHAND_TEST_HOSTILE_PROVIDER";
    if std::env::var_os(CHILD).is_some() {
        HOSTILE.install_default().unwrap();
        return ready(&JsonWebToken).unwrap();
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "auth::verifier::tests::negative_n37_another_provider_of_the_host_does_not_reach_us"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    // And using it pinned nothing for the host.
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "auth::verifier::tests::negative_n37_using_it_installs_nothing"])
        .env(CHILD, "2")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

#[test]
fn negative_n37_using_it_installs_nothing() {
    // Other tests of this process use the process-wide backend themselves, so only a process of its own can tell.
    if std::env::var("GLADHAND_TEST_HOSTILE_PROVIDER").as_deref() == Ok("2") {
        ready(&JsonWebToken).unwrap();
        AWS_LC.install_default().expect("nothing was installed before");
    }
}
