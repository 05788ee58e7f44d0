//! One step: what saved answers give is put in, the operation is called, its answer is checked and kept.

use std::collections::HashMap;
use std::time::Duration;

use gladhand::{Client, Code, Config, CreateOptions, Document, Error, Requester, Result};
use gladhand_documents::json::{Value, quote};
use gladhand_documents::model;

use crate::support::Bench;
use crate::{check, vectors};

/// How long `events.take` waits for all of its events.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a step with `eventually` rests between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// The carrier, the client and what was saved.
pub(crate) struct Stage {
    bench: Bench,
    client: Option<Client>,
    saved: HashMap<String, Document>,
}

impl Stage {
    pub(crate) fn new(bench: Bench) -> Self {
        Self { bench, client: None, saved: HashMap::new() }
    }

    pub(crate) async fn close(&mut self) {
        if let Some(client) = self.client.take() {
            client.close().await;
        }
    }

    /// Runs a step, given as its text. The error says what did not hold.
    pub(crate) async fn run(&mut self, text: &str) -> std::result::Result<(), String> {
        let step = Document::parse(self.filled(text)?).map_err(|error| error.to_string())?;
        let mut left = step.integer("/eventually").unwrap_or(1);
        loop {
            let outcome = self.attempt(&step).await;
            left -= 1;
            if outcome.is_ok() || left <= 0 {
                return outcome;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn attempt(&mut self, step: &Document) -> std::result::Result<(), String> {
        let outcome = self.perform(step).await;
        match (step.at("/expectError"), outcome) {
            (Some(expected), Err(error)) => check::failure(expected, &error),
            (Some(expected), Ok(answer)) => {
                Err(format!("{} was expected, the answer is {}", expected.raw(), answer.as_str()))
            }
            (None, Err(error)) => Err(format!("{error} {:?} {:?}", error.violations(), error.causes())),
            (None, Ok(answer)) => {
                check::answer(step, &answer)?;
                if let Some(name) = step.text("/save") {
                    self.saved.insert(name, answer);
                }
                Ok(())
            }
        }
    }

    /// Puts in what strings that are wholly `${name/pointer}` stand for.
    fn filled(&self, text: &str) -> std::result::Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("\"${") {
            let (reference, after) = after.split_once("}\"").ok_or("a reference does not end")?;
            let cut = reference.find('/').unwrap_or(reference.len());
            let (name, pointer) = reference.split_at(cut);
            let value = self.saved.get(name).and_then(|saved| saved.at(pointer));
            out.push_str(before);
            out.push_str(value.ok_or_else(|| format!("nothing is saved at {reference}"))?.raw());
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    async fn perform(&mut self, step: &Document) -> Result<Document> {
        let text = |name: &str| step.text(&format!("/{name}")).unwrap_or_default();
        let part = |name: &str| step.extract(&format!("/{name}"));
        match text("op").as_str() {
            "connect" => {
                self.client = Some(Client::connect(self.config(step)?).await?);
                Ok(Document::object())
            }
            "close" => {
                self.client()?.close().await;
                self.client = None;
                Ok(Document::object())
            }
            "sandbox.control" => {
                let body = step.text("/file").map(|file| read(&file)).or_else(|| part("body"));
                Ok(self.bench.control(&text("path"), body.as_ref().map(Document::as_str)))
            }
            "sandbox.load" => {
                let capacity = step.text("/offer/capacityId").unwrap_or_default();
                Ok(self.bench.control(&format!("/load?loadId={}&capacityId={capacity}", text("loadId")), None))
            }
            "document.parse" => {
                let bytes = step.text("/file").map_or_else(|| text("text").into_bytes(), |file| bytes(&file));
                let document = Document::parse(bytes)?;
                let entity = model::entity_named(&text("entity")).expect("a known entity");
                model::validate(entity, &document).map(|()| document)
            }
            "document.set" => set(step, part("document").expect("a document")),
            "capacity.search" => self.client()?.capacity_search(required(step, "request")).await,
            "capacity.explain" => self.client()?.explain(&required(step, "load"), &required(step, "offer")),
            "capacity.get" => self.client()?.capacity_get(&text("carrier"), &text("capacityId")).await,
            "capacity.hold" => {
                let hold = step.text("/holdId");
                self.client()?.capacity_hold(&text("carrier"), &text("capacityId"), hold.as_deref()).await
            }
            "capacity.release" => {
                self.client()?.capacity_release(&text("carrier"), &text("capacityId"), &text("holdId")).await
            }
            "tenders.create" => self.client()?.tender_create(required(step, "load"), options(step)).await,
            "tenders.again" => self.client()?.tender_again(required(step, "load"), options(step)).await,
            "tenders.get" => self.client()?.tender_get(&text("tenderId")).await,
            "tenders.list" => {
                let tenders = self.client()?.tender_list(step.text("/state").as_deref()).await?;
                list("tenders", &tenders)
            }
            "tenders.withdraw" => self.client()?.tender_withdraw(&text("tenderId"), &text("reason")).await,
            "tenders.revise" => {
                let load = required(step, "load");
                self.client()?.tender_revise(&text("tenderId"), load, wait(step)).await
            }
            "tenders.amend" => self.client()?.tender_amend(&text("tenderId"), required(step, "load")).await,
            "tenders.accept_counter" => self.client()?.tender_accept_counter(&text("tenderId"), wait(step)).await,
            "tenders.decline_counter" => {
                self.client()?.tender_decline_counter(&text("tenderId"), step.text("/reason").as_deref()).await
            }
            "tenders.request_cancel" => self.client()?.tender_request_cancel(&text("tenderId"), &text("reason")).await,
            "tenders.release_unproven" => {
                let (actor, reason, runbook) = (text("actor"), text("reason"), text("runbook"));
                self.client()?.tender_release_unproven(&text("tenderId"), &actor, &reason, &runbook).await
            }
            "events.take" => self.take(step).await,
            "inbox.receive" => self.client()?.receive(&headers(step), text("body").as_bytes()).await,
            "inbox.handshake" => self.client()?.inbox_handshake(&headers(step)),
            other if other.starts_with("dispatches.") => self.dispatch(other, step).await,
            "documents.list" => self.client()?.documents_list(&text("tenderId")).await,
            "reconcile" => self.client()?.reconcile().await,
            "journal.verify" => self.client()?.journal_verify().await,
            "health" => self.client()?.health().await,
            other => panic!("{other} is no operation of the vocabulary"),
        }
    }

    async fn dispatch(&self, op: &str, step: &Document) -> Result<Document> {
        let text = |name: &str| step.text(&format!("/{name}")).unwrap_or_default();
        let (client, id, reason) = (self.client()?, text("dispatchId"), text("reason"));
        let by = Requester::new(text("requestedBy/principal"), text("requestedBy/role"));
        let lease = step.integer("/leaseS").unwrap_or_default().unsigned_abs() as u32;
        match op {
            "dispatches.get" => client.dispatch_get(&id).await,
            "dispatches.stop" => client.stop_at_next_safe_location(&id, &reason, by).await,
            "dispatches.resume" => client.dispatch_resume(&id, &text("commandRef"), &reason, by).await,
            "dispatches.hold" => client.dispatch_hold(&id, &reason, by, lease).await,
            "dispatches.renew_hold" => client.dispatch_renew_hold(&id, &text("commandRef"), &reason, by, lease).await,
            "dispatches.release" => client.dispatch_release(&id, &text("commandRef"), &reason, by).await,
            "dispatches.request_intervention" => {
                client.dispatch_request_intervention(&id, &text("kind"), &reason, by).await
            }
            "dispatches.change_route" => client.dispatch_change_route(&id, &text("detourId"), &reason, by).await,
            "dispatches.commands" => list("commands", &client.command_records(&id).await?),
            "dispatches.command_status" => client.command_status(&id, &text("commandId")).await,
            "dispatches.revoke" => client.command_revoke(&id, &text("commandId"), &reason, by).await,
            other => panic!("{other} is no operation of the vocabulary"),
        }
    }

    fn client(&self) -> Result<Client> {
        self.client.clone().ok_or_else(|| Error::new(Code::ClientClosed, "the scenario has not connected"))
    }

    /// The sandbox's configuration, with another journal, or a copy without some keys beside it.
    fn config(&self, step: &Document) -> Result<Config> {
        let path = self.bench.sandbox.config_path();
        if let Some(journal) = step.text("/journal") {
            return Ok(self.bench.config(&journal));
        }
        let Some(without) = step.at("/without") else { return Config::from_file(path) };
        let keys: Vec<String> = without.items().filter_map(|key| Some(key.text()?.into_owned())).collect();
        let whole = std::fs::read_to_string(path).expect("the configuration");
        let names = |line: &str, key: &String| line.trim().strip_prefix(key).is_some_and(|r| r.trim().starts_with('='));
        let lines: Vec<&str> = whole.lines().filter(|line| !keys.iter().any(|key| names(line, key))).collect();
        assert!(lines.len() < whole.lines().count(), "the configuration has none of {keys:?}");
        let copy = path.with_file_name("incomplete.toml");
        std::fs::write(&copy, lines.join("\n")).expect("the copy is written");
        Config::from_file(copy)
    }

    async fn take(&self, step: &Document) -> Result<Document> {
        let count = step.integer("/count").unwrap_or(1) as usize;
        let mut reader = self.client()?.events(&step.text("/consumer").unwrap_or_default()).await?;
        let mut events = Vec::new();
        while events.len() < count {
            let next = tokio::time::timeout(PATIENCE, reader.next()).await;
            let Ok(delivery) = next else { panic!("{} of {count} events came in time", events.len()) };
            let Some(delivery) = delivery? else { break };
            reader.ack(delivery.token).await?;
            events.push(delivery.event);
        }
        list("events", &events)
    }
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(vectors().join(file)).expect("the file of the step")
}

fn read(file: &str) -> Document {
    Document::parse(bytes(file)).expect("the file of the step is JSON")
}

fn required(step: &Document, name: &str) -> Document {
    step.extract(&format!("/{name}")).unwrap_or_else(|| panic!("{} lacks {name}", step.as_str()))
}

fn list(name: &str, items: &[Document]) -> Result<Document> {
    let items: Vec<&str> = items.iter().map(Document::as_str).collect();
    Document::parse(format!("{{{}:[{}]}}", quote(name), items.join(",")))
}

fn set(step: &Document, mut document: Document) -> Result<Document> {
    for change in step.at("/set").into_iter().flat_map(Value::items) {
        let pointer = check::text(change, "pointer").unwrap_or_default();
        document = match change.get("value") {
            Some(value) => document.patch(&pointer, value.raw())?,
            None => document.remove(&pointer)?,
        };
    }
    Ok(document)
}

fn wait(step: &Document) -> Option<Duration> {
    step.integer("/waitMs").map(|ms| Duration::from_millis(ms.unsigned_abs()))
}

fn headers(step: &Document) -> Vec<(String, String)> {
    let pair = |pair: Value<'_>| {
        let mut pair = pair.items().filter_map(|item| item.text().map(std::borrow::Cow::into_owned));
        (pair.next().unwrap_or_default(), pair.next().unwrap_or_default())
    };
    step.at("/headers").into_iter().flat_map(Value::items).map(pair).collect()
}

fn options(step: &Document) -> CreateOptions {
    let mut options = CreateOptions::new(step.text("/carrier").unwrap_or_default());
    options.capacity = step.extract("/capacity");
    options.wait = wait(step);
    options
}
