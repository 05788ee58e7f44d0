use super::*;
use gladhand_documents::error::Kind;

const GOOD: &str = r#"
environment = "sandbox"
tenant = "acme"
[journal]
path = "journal.db"
[identity]
certificate = "client.pem"
private_key = "client-key.pem"
trust = "ca.pem"
[carriers.aurora]
base_url = "https://127.0.0.1:4443"
client_id = "tms-acme"
client_auth = "private_key_jwt"
assertion_key = "assertion-key.pem"
scac = "AURR"
"#;

fn read(text: &str) -> Result<Config> {
    Config::from_toml(text, "/etc/gladhand")
}

fn pem(config: &Config) -> &PemIdentity {
    match &config.identity.source {
        IdentitySource::Pem(pem) => pem,
        IdentitySource::Spiffe { .. } => panic!("not PEM"),
    }
}

fn with_variables(variables: &[(&str, &str)]) -> Result<Config> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::builder().toml(GOOD, Path::new("/etc/gladhand")).variables(variables).build()
}

#[test]
fn a_file_is_read_relative_to_itself() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.journal.path, Path::new("/etc/gladhand/journal.db"));
    assert!(matches!(&pem(&config).trust, PemSource::File(path) if path == Path::new("/etc/gladhand/ca.pem")));
    let aurora = config.carrier("aurora").unwrap();
    assert_eq!(aurora.issuer, "https://127.0.0.1:4443");
    assert_eq!(aurora.resource, "https://127.0.0.1:4443");
    assert_eq!(aurora.telemetry_url.as_str(), "https://127.0.0.1:4443/");
    assert_eq!(aurora.deadline, Duration::from_secs(30));
}

#[test]
fn a_file_on_disk_is_found_beside_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gladhand.toml");
    std::fs::write(&path, GOOD).unwrap();
    let config = Config::builder().file(&path).build().unwrap();
    assert_eq!(config.journal.path, folder.path().join("journal.db"));

    let variables = [("GLADHAND_CONFIG".to_owned(), path.display().to_string())];
    assert!(Config::builder().default_file().variables(variables).build().is_ok());
    let error = Config::builder().file(folder.path().join("none.toml")).build().unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert!(error.message().contains("none.toml"));
}

#[test]
fn each_missing_key_is_named() {
    for line in
        GOOD.lines().filter(|line| line.contains('=') && !line.contains("client_auth") && !line.contains("scac"))
    {
        let error = read(&GOOD.replace(line, "")).unwrap_err();
        let leaf = line.split_once(' ').unwrap().0;
        assert_eq!(error.code(), Code::ConfigMissing, "{line}");
        assert!(error.message().contains(leaf), "{error} does not name {leaf}");
    }
    let error = read(GOOD.split("[carriers").next().unwrap()).unwrap_err();
    assert!(error.message().contains("carriers.<name>.base_url"), "{error}");
}

#[test]
fn an_unknown_key_is_named_and_the_nearest_is_offered() {
    for (from, to, named, meant) in [
        ("tenant =", "tennant =", "`tennant`", "`tenant`"),
        ("[identity]", "[identiy]", "`identiy", ""),
        ("base_url", "baseurl", "`carriers.aurora.baseurl`", "`carriers.aurora.base_url`"),
        ("private_key =", "private-key =", "`identity.private-key`", "`identity.private_key`"),
        ("scac =", "colour =", "`carriers.aurora.colour`", ""),
    ] {
        let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().contains(named), "{error}");
        assert!(error.message().contains(meant), "{error}");
    }
}

#[test]
fn a_wrong_value_is_refused() {
    for (from, to, named) in [
        ("https://127.0.0.1:4443", "http://127.0.0.1:4443", "carriers.aurora.base_url"),
        ("https://127.0.0.1:4443", "https://u:p@127.0.0.1", "carriers.aurora.base_url"),
        ("\"private_key_jwt\"", "\"basic\"", "carriers.aurora.client_auth"),
        ("\"AURR\"", "\"aurora\"", "carriers.aurora.scac"),
        ("\"acme\"", "\"a b\"", "tenant"),
        ("\"acme\"", "7", "tenant"),
        ("\"acme\"", "1.5", "tenant"),
        ("\"acme\"", "\"\"", "tenant"),
        ("scac = \"AURR\"", "deadline_ms = 1", "carriers.aurora.deadline_ms"),
        ("scac = \"AURR\"", "server_name = \"a b\"", "carriers.aurora.server_name"),
        ("scac = \"AURR\"", "dpop_algorithm = \"HS256\"", "carriers.aurora.dpop_algorithm"),
        ("scac = \"AURR\"", "allow_rs256 = \"perhaps\"", "carriers.aurora.allow_rs256"),
        ("scac = \"AURR\"", "allow_rs256 = 1", "carriers.aurora.allow_rs256"),
        ("scac = \"AURR\"", "assertion_key_lead_s = -1", "carriers.aurora.assertion_key_lead_s"),
        ("scac = \"AURR\"", "clock_offset_s = 100000", "carriers.aurora.clock_offset_s"),
        ("\"acme\"", "true", "tenant"),
        ("scac = \"AURR\"", "allowed_origins = [\"https://a.example/path\"]", "carriers.aurora.allowed_origins"),
    ] {
        let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{to}");
        assert!(error.message().contains(named), "{error}");
    }
    let error = read("environment = ").unwrap_err();
    assert!(error.message().contains("line 1"), "{error}");
    let error = read(&format!("{GOOD}\n[carriers.aurora]\n")).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
}

#[test]
fn variables_win_over_the_file_and_the_program_over_both() {
    let config = with_variables(&[
        ("GLADHAND_TENANT", "other"),
        ("GLADHAND_IDENTITY_PRIVATE_KEY", "elsewhere.pem"),
        ("GLADHAND_CARRIERS_AURORA_BASE_URL", "https://carrier.example/api"),
        ("GLADHAND_CARRIERS_AURORA_DEADLINE_MS", "1500"),
        ("GLADHAND_SANDBOX", "/opt/sandbox"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(config.tenant, "other");
    assert!(matches!(&pem(&config).private_key, PemSource::File(path) if path == Path::new("elsewhere.pem")));
    let aurora = config.carrier("aurora").unwrap();
    assert_eq!(aurora.issuer, "https://carrier.example");
    assert_eq!(aurora.deadline, Duration::from_millis(1500));

    let config = Config::builder()
        .toml(GOOD, Path::new("."))
        .variables([("GLADHAND_TENANT".to_owned(), "other".to_owned())])
        .tenant("third")
        .build()
        .unwrap();
    assert_eq!(config.tenant, "third");
}

#[test]
fn a_shared_webhook_secret_is_for_tests_only() {
    let secret = "webhook_test_secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
    let with = |text: &str| GOOD.replacen("scac = \"AURR\"", text, 1);
    for environment in ["sandbox", "test"] {
        let variables = [("GLADHAND_ENVIRONMENT".to_owned(), environment.to_owned())];
        let config = Config::builder().toml(&with(secret), Path::new(".")).variables(variables).build().unwrap();
        assert!(config.carriers["aurora"].webhook_test_key.is_some(), "{environment}");
    }
    let variables = [("GLADHAND_ENVIRONMENT".to_owned(), "production".to_owned())];
    let error = Config::builder().toml(&with(secret), Path::new(".")).variables(variables).build().unwrap_err();
    assert!(error.message().contains("carriers.aurora.webhook_test_secret"), "{error}");
    let variables = [("GLADHAND_ENVIRONMENT".to_owned(), "test".to_owned())];
    let broken = with("webhook_test_secret = \"hush\"");
    let error = Config::builder().toml(&broken, Path::new(".")).variables(variables).build().unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert!(!error.message().contains("hush"), "and it is not shown");
}

#[test]
fn the_keys_of_a_carrier_have_settings_of_their_own() {
    let plain = read(GOOD).unwrap().carriers["aurora"].clone();
    assert_eq!((plain.dpop.algorithm, plain.dpop.key.is_none(), plain.allow_rs256), (Algorithm::Es256, true, false));
    assert_eq!((plain.assertion_key_lead, plain.clock_offset_s), (Duration::from_secs(300), 0));
    let text = "dpop_algorithm = \"EdDSA\"\ndpop_key = \"dpop.pem\"\nallow_rs256 = true\nassertion_key_lead_s = 3600\nclock_offset_s = -90";
    let set = read(&GOOD.replace("scac = \"AURR\"", text)).unwrap().carriers["aurora"].clone();
    assert_eq!((set.dpop.algorithm, set.allow_rs256), (Algorithm::EdDsa, true));
    assert!(matches!(set.dpop.key, Some(PemSource::File(path)) if path == Path::new("/etc/gladhand/dpop.pem")));
    assert_eq!((set.assertion_key_lead, set.clock_offset_s), (Duration::from_secs(3600), -90));
    let overlaid = with_variables(&[("GLADHAND_CARRIERS_AURORA_ALLOW_RS256", "true")]).unwrap();
    assert!(overlaid.carriers["aurora"].allow_rs256);
}

#[test]
fn a_gateway_has_a_section_of_its_own() {
    assert!(read(GOOD).unwrap().gateway.is_none());
    let config = read(&format!("{GOOD}[gateway]\nproducer = \"aurora-edge\"\n")).unwrap();
    assert_eq!(config.gateway.unwrap().producer, "aurora-edge");
    let all = "[gateway]\nproducer = \"e\"\nspool = \"spool\"\nspool_bytes = 4194304\nlinger_ms = 250\n";
    let gateway = read(&format!("{GOOD}{all}")).unwrap().gateway.unwrap();
    assert!(gateway.spool.unwrap().ends_with("spool"));
    assert_eq!((gateway.spool_bytes, gateway.linger), (Some(4 << 20), Some(Duration::from_millis(250))));
    for (line, key) in [("spool_bytes = 1000", "gateway.spool_bytes"), ("linger_ms = -1", "gateway.linger_ms")] {
        let error = read(&format!("{GOOD}[gateway]\nproducer = \"e\"\n{line}\n")).unwrap_err();
        assert!(error.message().contains(key), "{error}");
    }
    let error = read(&format!("{GOOD}[gateway]\nspool = \"spool\"\n")).unwrap_err();
    assert_eq!(error.code().as_str(), "config_missing", "{error}");
    let error = read(&format!("{GOOD}[gateway]\nproducer = \"a b\"\n")).unwrap_err();
    assert!(error.message().contains("gateway.producer"), "{error}");
}

#[test]
fn a_misspelt_variable_is_named() {
    for (name, meant) in [
        ("GLADHAND_TENNANT", "`tenant`"),
        ("GLADHAND_IDENTITY_PRIVATEKEY", ""),
        ("GLADHAND_IDENTIY_TRUST", ""),
        ("GLADHAND_CARRIERS_AURORA_BASEURL", ""),
    ] {
        let error = with_variables(&[(name, "x")]).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid);
        assert!(error.message().contains(name) && error.message().contains(meant), "{error}");
    }
    for name in ["GLADHAND_SANDBOX", "GLADHAND_FAILPOINT", "GLADHAND_CACHE", "GLADHAND_GATEWAY_CONFIG"] {
        assert!(with_variables(&[(name, "x")]).is_ok(), "{name} is no setting");
    }
}

#[test]
fn the_builder_alone_is_enough() {
    let aurora = CarrierSettings::new("https://carrier.example", "tms-acme").tls_client_auth();
    let pem = "-----BEGIN CERTIFICATE-----\ncanary-77\n-----END CERTIFICATE-----";
    let config = Config::builder()
        .environment("production")
        .tenant("acme")
        .journal_path("journal.db")
        .certificate(pem)
        .private_key(pem)
        .trust(pem)
        .carrier("aurora", aurora)
        .build()
        .unwrap();
    assert!(matches!(config.carriers["aurora"].client_auth, ClientAuth::TlsClientAuth));
    assert!(!format!("{config:?}").contains("canary"), "inline PEM must not be shown");
    let error = config.carrier("kodiak").unwrap_err();
    assert_eq!(error.code(), Code::CarrierUnknown);
    assert!(error.message().contains("aurora"));
}

#[test]
fn key_material_without_its_pem_lines_is_not_taken_for_a_path() {
    let bare = "MC4CAQAwBQYDK2VwBCIEIAcanarycanarycanarycanarycanarycanarycanary";
    for text in [bare.to_owned(), format!("{bare}\n"), format!("{}\n{}", &bare[..20], &bare[20..])] {
        let error = with_variables(&[("GLADHAND_IDENTITY_PRIVATE_KEY", &text)]).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid);
        assert!(error.message().contains("identity.private_key"), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    let long = format!("/run/secrets/{}", "a".repeat(80));
    assert!(with_variables(&[("GLADHAND_IDENTITY_PRIVATE_KEY", &long)]).is_ok());
}
