//! Whose message it is: a signing key belongs to one carrier (contract 4e).

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::webhook::{Headers, verify};

use crate::carrier::Carrier;
use crate::core::Core;
use crate::events::ensure_following;

/// The carrier whose key signed the message. Keys that are unknown may be new, so the carriers' keys are read again before
/// the message is refused. All are asked at once: one that is down keeps nobody else's message waiting.
pub(super) async fn signer(core: &Arc<Core>, headers: Headers<'_>, body: &[u8]) -> Result<Arc<Carrier>> {
    let now = core.clock.now().as_second();
    let mut refused = None;
    for anew in [false, true] {
        let ask = |carrier: &Arc<Carrier>| {
            let carrier = carrier.clone();
            async move {
                let published = if anew { carrier.published_anew().await } else { carrier.published().await };
                (carrier, published)
            }
        };
        let mut asked: FuturesUnordered<_> = core.carriers.values().map(ask).collect();
        while let Some((carrier, published)) = asked.next().await {
            let keys = match published {
                Ok(published) => published,
                // Whose it is cannot be told now: the sender's next attempt may find it out.
                Err(error) => {
                    refused.get_or_insert(error.with_status(503));
                    continue;
                }
            };
            match verify(headers, body, &keys.webhook_keys, now) {
                Ok(_) => return Ok(carrier),
                Err(error) if error.code() == Code::WebhookSignatureInvalid => refused = Some(error),
                Err(error) => {
                    // Genuine, from another time: pushes are no use while the clocks differ, and the pull feed carries on.
                    if error.code() == Code::ClockSkew {
                        ensure_following(core, Some(carrier.name()));
                    }
                    return Err(error);
                }
            }
        }
    }
    Err(refused.unwrap_or_else(|| Error::new(Code::WebhookSignatureInvalid, "no carrier is configured")))
}
