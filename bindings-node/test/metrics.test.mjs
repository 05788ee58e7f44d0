// Numbers to watch a client by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sandbox } from 'gladhand';

test('metrics have every series from the start', async () => {
  const carrier = await sandbox();
  const gh = await carrier.connect();
  try {
    const tender = await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
    const metrics = (await gh.metrics()).validate();
    const found = new Map(metrics.samples.map((sample) => [sample.name, sample]));
    for (const name of [
      'gladhand_backpressure_ratio',
      'gladhand_event_gap_age_seconds',
      'gladhand_journal_unresolved',
      'gladhand_retry_budget',
      'gladhand_tender_unknown_age_seconds',
    ]) {
      assert.ok(found.has(name), name);
    }
    assert.equal(Number(found.get('gladhand_journal_unresolved')?.value), 0);
    assert.ok(Number(found.get('gladhand_retry_budget')?.value) > 0);
    assert.equal(found.get('gladhand_retry_budget')?.labels.get('partner')?.text, 'aurora');
    assert.ok(!metrics.toJson().includes(tender.tenderId) && !metrics.toJson().includes('load-1'));
    await gh.close();
    await assert.rejects(gh.metrics(), { code: 'client_closed' });
  } finally {
    await gh.close();
    await carrier.stop();
  }
});
