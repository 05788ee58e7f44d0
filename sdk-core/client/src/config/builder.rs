//! The keys of `gladhand.toml` as methods, and the order of the sources.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};

use super::settings::{Origin, Settings, Value};
use super::{Config, KEYS, checked};

/// Collects settings; the program's own win over variables, and those over the file.
#[derive(Clone, Default)]
pub struct ConfigBuilder {
    file: Option<File>,
    variables: Vec<(String, String)>,
    program: Vec<(String, Value)>,
}

#[derive(Clone)]
enum File {
    Default,
    Path(PathBuf),
    Text { text: String, base: PathBuf },
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident => $key:literal;)*) => {
        $($(#[$doc])*
        pub fn $name(self, value: impl Into<String>) -> Self {
            self.set($key, value)
        })*
    };
}

impl ConfigBuilder {
    setters! {
        /// `environment`.
        environment => "environment";
        /// `tenant`.
        tenant => "tenant";
        /// `journal.path`, relative to the working folder.
        journal_path => "journal.path";
        /// `identity.certificate`: a path, or PEM.
        certificate => "identity.certificate";
        /// `identity.private_key`: a path, or PEM.
        private_key => "identity.private_key";
        /// `identity.trust`: a path, or PEM.
        trust => "identity.trust";
        /// `identity.crl`: a path, or PEM.
        crl => "identity.crl";
    }

    /// `identity.source = "spiffe"`, at this endpoint or at the one that `SPIFFE_ENDPOINT_SOCKET` names.
    pub fn spiffe(self, endpoint: Option<&str>) -> Self {
        let builder = self.set("identity.source", "spiffe");
        match endpoint {
            Some(endpoint) => builder.set("identity.spiffe_endpoint", endpoint),
            None => builder,
        }
    }

    /// Any key of the table by its dotted path, such as `carriers.aurora.client_id`.
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.program.push((key.to_owned(), Value::Text(value.into())));
        self
    }

    /// `[carriers.<name>]`.
    pub fn carrier(mut self, name: &str, settings: CarrierSettings) -> Self {
        self.program.extend(settings.0.into_iter().map(|(leaf, value)| (format!("carriers.{name}.{leaf}"), value)));
        self
    }

    /// Reads this file.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(File::Path(path.into()));
        self
    }

    /// Reads the file that `GLADHAND_CONFIG` names, else `gladhand.toml` in the working folder if there is one.
    pub fn default_file(mut self) -> Self {
        self.file = Some(File::Default);
        self
    }

    /// Reads this TOML text; relative paths in it are relative to `base`.
    pub fn toml(mut self, text: &str, base: &Path) -> Self {
        self.file = Some(File::Text { text: text.to_owned(), base: base.to_owned() });
        self
    }

    /// Reads the `GLADHAND_*` variables of this process.
    pub fn environment_variables(self) -> Self {
        // A variable that is not text cannot be one of ours.
        let ours =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        self.variables(ours)
    }

    /// Reads these variables as if they were the process's.
    pub fn variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Checks everything.
    pub fn build(self) -> Result<Config> {
        checked::config(&self.settings(KEYS)?)
    }

    /// Layers the sources over this table of keys, without checking what they mean.
    pub(crate) fn settings(self, keys: &'static [super::Key]) -> Result<Settings> {
        let mut settings = Settings::new(keys);
        let named =
            self.variables.iter().find(|(name, _)| name == "GLADHAND_CONFIG").map(|(_, path)| PathBuf::from(path));
        match self.file {
            Some(File::Text { text, base }) => settings.toml(&text, "gladhand.toml", &base)?,
            Some(File::Path(path)) => read(&mut settings, &path)?,
            Some(File::Default) => match named {
                Some(path) => read(&mut settings, &path)?,
                None if Path::new("gladhand.toml").exists() => read(&mut settings, Path::new("gladhand.toml"))?,
                None => {}
            },
            None => {}
        }
        settings.environment(self.variables)?;
        for (key, value) in self.program {
            settings.set(&key, value, Origin::Program)?;
        }
        Ok(settings)
    }
}

fn read(settings: &mut Settings, path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(Code::ConfigInvalid, format!("`{}` cannot be read", path.display())).caused_by(&error)
    })?;
    let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    settings.toml(&text, &path.display().to_string(), base)
}

/// The keys of one `[carriers.<name>]` section as methods.
#[derive(Clone, Default)]
pub struct CarrierSettings(Vec<(&'static str, Value)>);

impl CarrierSettings {
    /// The two keys that every carrier needs: `base_url` and `client_id`.
    pub fn new(base_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self::default().with("base_url", base_url).with("client_id", client_id)
    }

    /// Signs assertions with this key: a path, or PEM.
    pub fn private_key_jwt(self, assertion_key: impl Into<String>) -> Self {
        self.with("client_auth", "private_key_jwt").with("assertion_key", assertion_key)
    }

    /// Authenticates by the client certificate.
    pub fn tls_client_auth(self) -> Self {
        self.with("client_auth", "tls_client_auth")
    }

    /// `issuer`.
    pub fn issuer(self, value: impl Into<String>) -> Self {
        self.with("issuer", value)
    }

    /// `resource`.
    pub fn resource(self, value: impl Into<String>) -> Self {
        self.with("resource", value)
    }

    /// `allowed_origins`.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.push(("allowed_origins", Value::List(origins.into_iter().map(Into::into).collect())));
        self
    }

    /// `scac`.
    pub fn scac(self, value: impl Into<String>) -> Self {
        self.with("scac", value)
    }

    /// `telemetry_url`.
    pub fn telemetry_url(self, value: impl Into<String>) -> Self {
        self.with("telemetry_url", value)
    }

    /// `server_name`.
    pub fn server_name(self, value: impl Into<String>) -> Self {
        self.with("server_name", value)
    }

    /// `spiffe_id`: exact IDs, or whole trust domains (`spiffe://domain`).
    pub fn spiffe_id(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.push(("spiffe_id", Value::List(ids.into_iter().map(Into::into).collect())));
        self
    }

    /// `tls_minimum`: `1.3` or `1.2`.
    pub fn tls_minimum(self, version: impl Into<String>) -> Self {
        self.with("tls_minimum", version)
    }

    /// `htu_base`.
    pub fn htu_base(self, value: impl Into<String>) -> Self {
        self.with("htu_base", value)
    }

    /// `deadline_ms`.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.0.push(("deadline_ms", Value::Integer(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX))));
        self
    }

    /// `dpop_algorithm`: `ES256`, `EdDSA` or `PS256`.
    pub fn dpop_algorithm(self, value: impl Into<String>) -> Self {
        self.with("dpop_algorithm", value)
    }

    /// `dpop_key`: a path, or PEM.
    pub fn dpop_key(self, value: impl Into<String>) -> Self {
        self.with("dpop_key", value)
    }

    /// `allow_rs256`.
    pub fn allow_rs256(mut self, allowed: bool) -> Self {
        self.0.push(("allow_rs256", Value::Flag(allowed)));
        self
    }

    /// `assertion_key_lead_s`.
    pub fn assertion_key_lead(mut self, lead: Duration) -> Self {
        self.0.push(("assertion_key_lead_s", Value::Integer(i64::try_from(lead.as_secs()).unwrap_or(i64::MAX))));
        self
    }

    /// `clock_offset_s`.
    pub fn clock_offset(mut self, seconds: i64) -> Self {
        self.0.push(("clock_offset_s", Value::Integer(seconds)));
        self
    }

    /// `webhook_test_secret`.
    pub fn webhook_test_secret(self, value: impl Into<String>) -> Self {
        self.with("webhook_test_secret", value)
    }

    fn with(mut self, leaf: &'static str, value: impl Into<String>) -> Self {
        self.0.push((leaf, Value::Text(value.into())));
        self
    }
}
