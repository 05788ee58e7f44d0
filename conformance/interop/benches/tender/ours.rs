//! The client of this repository: journal, retries, checks and all, as a program would use it.

use std::time::Duration;

use gladhand::{Client, Config, CreateOptions, Document};

use crate::measure::measure;
use crate::{Outcome, Task};

/// `followed`: with a consumer that takes and acknowledges every event meanwhile, which the peers have nothing like.
pub(crate) async fn run(task: &Task, followed: bool) -> Outcome<String> {
    let folder = std::path::Path::new(task.get("folder")?);
    let settings = std::fs::read_to_string(folder.join("gladhand.toml"))?;
    let journal = format!("{}/journal.db", task.get("journal")?);
    let config = Config::builder().toml(&settings, folder).set("journal.path", journal).build()?;
    let client = Client::connect(config).await?;
    if followed {
        let mut events = client.events("bench").await?;
        tokio::spawn(async move {
            while let Some(delivery) = events.next().await? {
                events.ack(delivery.token).await?;
            }
            Outcome::Ok(())
        });
    }
    let plan = task.plan()?;
    let loads: Vec<Document> = task.loads(&plan)?.into_iter().map(Document::parse).collect::<Result<_, _>>()?;
    let (caller, loads) = (client.clone(), std::sync::Arc::new(loads));
    let line = measure(plan, move |number| {
        let (client, load) = (caller.clone(), loads[number].clone());
        async move {
            let options = CreateOptions::new("aurora").wait(Duration::from_secs(20));
            let tender = client.tender_create(load, options).await?;
            match tender.text("/state").as_deref() {
                Some("accepted") => Ok(()),
                _ => Err(tender.as_str().to_owned().into()),
            }
        }
    })
    .await?;
    client.close().await;
    Ok(line)
}
