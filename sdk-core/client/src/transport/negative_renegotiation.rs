//! Negative case of renegotiation in TLS 1.2, which no library of today starts by itself: `openssl s_server` does when it
//! is told to. Without it on the machine this test fails; it is never skipped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use url::Url;

use crate::testing::{Authority, Leaf, Party, get};

struct Openssl(Child);

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a line that holds this; gives it.
fn wait_for(lines: &mpsc::Receiver<String>, what: &str) -> String {
    loop {
        let line = lines.recv_timeout(Duration::from_secs(20));
        let line = line.unwrap_or_else(|_| panic!("openssl never said {what:?}"));
        if line.contains(what) {
            return line;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n06_a_server_that_wants_to_renegotiate_is_told_no() {
    let root = Authority::root("root");
    let folder = tempfile::tempdir().unwrap();
    let issued = root.issue(&Leaf::default());
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("cert.pem"), &issued.chain).unwrap();
    std::fs::write(path("key.pem"), &issued.key).unwrap();
    std::fs::write(path("ca.pem"), root.pem()).unwrap();
    let child = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-Verify", "3", "-naccept", "1"])
        .args(["-cert", "cert.pem", "-key", "key.pem", "-CAfile", "ca.pem"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs the program openssl");
    let mut openssl = Openssl(child);
    let (line, lines) = mpsc::channel();
    for output in [
        Box::new(openssl.0.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
        Box::new(openssl.0.stderr.take().unwrap()),
    ] {
        let line = line.clone();
        std::thread::spawn(move || {
            for text in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = line.send(text);
            }
        });
    }
    let address = wait_for(&lines, "ACCEPT").split_whitespace().last().unwrap().to_owned();
    let url: Url = format!("https://{address}/").parse().unwrap();
    let mut party = Party::of(&root, &url);
    party.settings = party.settings.clone().tls_minimum("1.2");
    let generation = party.generation().unwrap();
    let calling = tokio::spawn(async move { generation.http().send(get(&url)).await });
    let mut stdin = openssl.0.stdin.take().unwrap();
    let refusal = tokio::task::spawn_blocking(move || {
        // The request has arrived: the first handshake is done, and both certificates were shown.
        wait_for(&lines, "GET /x");
        stdin.write_all(b"R\n").unwrap();
        wait_for(&lines, "no renegotiation")
    });
    refusal.await.unwrap();
    drop(openssl);
    assert!(calling.await.unwrap().is_err(), "the connection was not usable any more");
}
