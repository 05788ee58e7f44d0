//! A peer that reads a ClientHello and answers with a ServerHello of our choice: what no TLS library would say today.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What a ClientHello offers (RFC 8446 §4.1.2).
#[derive(Clone, Debug, Default)]
pub(crate) struct Hello {
    pub(crate) session_id: Vec<u8>,
    pub(crate) suites: Vec<u16>,
    /// Numbers and contents of the extensions.
    pub(crate) extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    pub(crate) fn extension(&self, number: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(n, _)| *n == number).map(|(_, content)| content.as_slice())
    }

    /// The two-byte numbers of an extension that is a list of them, with a length of `prefix` bytes before.
    pub(crate) fn numbers(&self, extension: u16, prefix: usize) -> Vec<u16> {
        let content = self.extension(extension).unwrap_or_default();
        content.get(prefix..).unwrap_or_default().chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    }

    fn parse(body: &[u8]) -> Self {
        let mut at = 2 + 32;
        let mut take = |length: usize| {
            at += length;
            &body[at - length..at]
        };
        let number = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        let length = take(1)[0];
        let session_id = take(length.into()).to_vec();
        let length = number(take(2));
        let suites = take(length).chunks(2).map(|pair| number(pair) as u16).collect();
        let length = take(1)[0];
        take(length.into());
        let mut rest = number(take(2));
        let mut extensions = Vec::new();
        while rest > 0 {
            let (kind, length) = (number(take(2)) as u16, number(take(2)));
            extensions.push((kind, take(length).to_vec()));
            rest -= 4 + length;
        }
        Self { session_id, suites, extensions }
    }
}

/// The peer.
pub(crate) struct Crafted {
    pub(crate) url: Url,
    hellos: Arc<Mutex<Vec<Hello>>>,
    said: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Crafted {
    /// Answers with this version and suite.
    pub(crate) async fn start(version: u16, suite: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let crafted = Self { url, hellos: Arc::default(), said: Arc::default() };
        let (hellos, said) = (crafted.hellos.clone(), crafted.said.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (hellos, said) = (hellos.clone(), said.clone());
                tokio::spawn(async move {
                    let _ = answer(tcp, version, suite, &hellos, &said).await;
                });
            }
        });
        crafted
    }

    pub(crate) fn hellos(&self) -> Vec<Hello> {
        self.hellos.lock().unwrap().clone()
    }

    /// What the client said after the ServerHello, of its last connection; waits for its end.
    pub(crate) async fn said(&self) -> Vec<u8> {
        loop {
            if let Some(said) = self.said.lock().unwrap().take() {
                return said;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn answer(
    mut tcp: TcpStream,
    version: u16,
    suite: u16,
    hellos: &Mutex<Vec<Hello>>,
    said: &Mutex<Option<Vec<u8>>>,
) -> std::io::Result<()> {
    let mut head = [0; 5];
    tcp.read_exact(&mut head).await?;
    let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    tcp.read_exact(&mut record).await?;
    let hello = Hello::parse(&record[4..]);
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(hello.session_id.len() as u8);
    body.extend(&hello.session_id);
    body.extend(suite.to_be_bytes());
    body.push(0);
    hellos.lock().unwrap().push(hello);
    // renegotiation_info, which every client wants of an old version.
    body.extend([0, 5, 0xff, 1, 0, 1, 0]);
    let mut message = vec![2, 0, 0, body.len() as u8];
    message.extend(body);
    let mut record = vec![22];
    record.extend(version.min(0x0303).to_be_bytes());
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    tcp.write_all(&record).await?;
    let mut rest = Vec::new();
    tcp.read_to_end(&mut rest).await?;
    *said.lock().unwrap() = Some(rest);
    Ok(())
}
