-- A store as schema version 2 made it. Never edited once it is released: stores like this are on people's disks.
pragma application_id = 1397509475;
CREATE TABLE slmctl_schema (version integer not null primary key, at bigint not null);
CREATE TABLE machine (

  id bigint not null primary key,
  name text not null, guid text, uuid text, address text, system text, system_version text, enabled integer,
  directory_seen_at bigint, distinguished_name text, pool text,

  added_at bigint not null, vanished_at bigint,

  seen_at bigint, asked_at bigint, verdict text, origin text, headline text, next text,

  problem_code text, problem_summary text, problem_next text, problem_since bigint, problem_count integer not null default 0
, cmid text);
CREATE UNIQUE INDEX machine_guid on machine (guid) where guid is not null;
CREATE INDEX machine_uuid on machine (uuid) where uuid is not null;
CREATE INDEX machine_name on machine (name, id);
CREATE INDEX machine_listed on machine (verdict, name, id) where vanished_at is null;
CREATE INDEX machine_problem on machine (problem_code, name, id) where vanished_at is null and problem_code is not null;
CREATE INDEX machine_origin on machine (origin, name, id) where vanished_at is null;
CREATE INDEX machine_counts on machine (verdict, origin, problem_code) where vanished_at is null;
CREATE INDEX machine_pool on machine (pool, name) where pool is not null;
CREATE TABLE machine_import (
  id integer primary key autoincrement, source text not null, at bigint not null, listed integer not null, added integer not null, changed integer not null,
  renamed integer not null, replaced integer not null, returned integer not null, vanished integer not null, duplicates integer not null
);
CREATE TABLE source_entry (
  machine_id bigint not null references machine (id), source text not null, import_id bigint not null references machine_import (id),
  vanished_at bigint, primary key (source, machine_id)
);
CREATE INDEX source_entry_machine on source_entry (machine_id);
CREATE TABLE machine_group (
  machine_id bigint not null references machine (id), source text not null, name text not null,
  primary key (name, machine_id, source)
);
CREATE INDEX machine_group_machine on machine_group (machine_id);
CREATE TABLE cause (id integer primary key autoincrement, key text not null unique, text text not null, next text not null);
CREATE TABLE product (
  machine_id bigint not null references machine (id),

  key text not null,

  present integer not null,
  name text, application text not null, edition text, channel text not null, method text not null, add_on integer not null,
  partial_key text, activation_id text, state text not null, reason text, expires_at bigint,
  host text, port integer, host_ip text, host_found text, host_id text, activation_interval integer, renewal_interval integer,
  count bigint, verdict text not null, cause text, cause_id bigint references cause (id), next text not null,
  origin text not null, origin_because text not null, evidence text,

  since bigint not null, renewed_at bigint, gone_at bigint
, activation_object text);
CREATE UNIQUE INDEX product_key on product (machine_id, key);
CREATE INDEX product_state on product (state, application, machine_id) where present = 1;
CREATE INDEX product_name on product (name, machine_id) where present = 1;
CREATE INDEX product_origin on product (origin, machine_id) where present = 1;
CREATE INDEX product_expires on product (expires_at, machine_id, key) where present = 1 and expires_at is not null;
CREATE INDEX product_cause on product (cause_id, machine_id) where present = 1 and cause_id is not null;
CREATE TABLE product_past (
  id integer primary key autoincrement, machine_id bigint not null references machine (id), key text not null, from_at bigint not null, until_at bigint not null,
  name text, channel text not null, method text not null, partial_key text, activation_id text, state text not null,
  reason text, host text, port integer, verdict text not null, cause text, origin text not null
);
CREATE INDEX product_past_machine on product_past (machine_id, until_at);
CREATE TABLE problem_past (
  id integer primary key autoincrement, machine_id bigint not null references machine (id), code text not null, summary text not null,
  from_at bigint not null, until_at bigint not null, count integer not null
);
CREATE INDEX problem_past_machine on problem_past (machine_id, until_at);
CREATE TABLE campaign (
  id integer primary key autoincrement, key text not null unique, kind text not null, name text not null, settings text not null, state text not null,
  because text, created_at bigint not null, changed_at bigint not null
, next_activation_at bigint, activation_clock bigint);
CREATE TABLE campaign_target (
  campaign_id bigint not null references campaign (id), machine_id bigint not null references machine (id), site text not null,
  position integer not null, state text not null, attempts integer not null, due_at bigint not null,
  owner text, lease_until bigint, result text, problem_code text, outcome_key text, ended_at bigint,
  primary key (campaign_id, machine_id)
);
CREATE INDEX campaign_target_leased on campaign_target (campaign_id, site, lease_until) where state = 'leased';
CREATE TABLE plan (
  id integer primary key autoincrement, key text not null unique, machine_id bigint not null references machine (id), campaign_id bigint references campaign (id),
  made_at bigint not null, fingerprint text not null, steps integer not null, refused integer not null, body text not null
);
CREATE INDEX plan_machine on plan (machine_id, made_at);
CREATE INDEX plan_campaign on plan (campaign_id, machine_id) where campaign_id is not null;
CREATE TABLE outcome (
  id integer primary key autoincrement, key text not null unique, machine_id bigint not null references machine (id), campaign_id bigint references campaign (id),
  plan_id bigint references plan (id), began_at bigint not null, ended_at bigint not null, result text not null, problem text, verdict text
);
CREATE INDEX outcome_machine on outcome (machine_id, ended_at);
CREATE INDEX outcome_campaign on outcome (campaign_id, machine_id) where campaign_id is not null;
CREATE TABLE outcome_step (
  outcome_id bigint not null references outcome (id), position integer not null, change text not null, what text not null,
  product text, method text not null, result text not null, return_value bigint, because text not null, body text not null,
  primary key (outcome_id, position)
);
CREATE TABLE host (
  id integer primary key autoincrement, name text not null, port integer not null, sources text not null, added_at bigint not null, listed_at bigint not null
);
CREATE UNIQUE INDEX host_name on host (name, port);
CREATE TABLE host_check (
  id integer primary key autoincrement, host_id bigint not null references host (id), address text not null, from_at bigint not null, last_at bigint not null,
  times integer not null, state text not null, problem text, told text not null
);
CREATE INDEX host_check_host on host_check (host_id, last_at);
CREATE INDEX machine_cmid on machine (cmid, vanished_at) where vanished_at is null and cmid is not null;
CREATE INDEX machine_gone on machine (name, id) where vanished_at is not null;
CREATE INDEX product_reason on product (reason, machine_id) where present = 1 and reason is not null;
CREATE INDEX product_host on product (host, port, application, machine_id, state, expires_at, renewed_at)
  where present = 1 and host is not null;
CREATE INDEX product_object on product (activation_object, machine_id) where present = 1 and activation_object is not null;
CREATE UNIQUE INDEX campaign_target_held on campaign_target (machine_id) where state = 'leased';
CREATE INDEX campaign_target_due on campaign_target (campaign_id, site, due_at, position, machine_id) where state = 'waiting';
CREATE INDEX campaign_target_order on campaign_target (campaign_id, position);
CREATE INDEX campaign_target_state on campaign_target (campaign_id, site, state, problem_code, result);
CREATE INDEX campaign_target_left on campaign_target (campaign_id, state, attempts, result, due_at, site, position);
CREATE TABLE journal_entry (
  campaign_id bigint not null references campaign (id), machine_id bigint not null references machine (id), attempt integer not null,
  sequence integer not null, at bigint not null, body text not null, primary key (campaign_id, machine_id, attempt, sequence)
);
CREATE TABLE host_count (
  id integer primary key autoincrement, host_id bigint not null references host (id), key text not null, application text not null, name text,
  from_at bigint not null, last_at bigint not null, times integer not null, count bigint, thresholds text not null,
  total bigint, failed bigint
);
CREATE INDEX host_count_host on host_count (host_id, key, id);
insert into slmctl_schema values (1, 1793534400000);
insert into slmctl_schema values (2, 1793534400000);
insert into machine (id, name, guid, system, added_at, seen_at, asked_at, verdict, origin, headline, next, problem_count, cmid) values
  (1, 'pc-1.corp.example', '00000000-0000-4000-8000-000000000001', 'Microsoft Windows 11 Enterprise', 1793534400000, 1793620800000, 1793620800000, 'ok', 'own', 'All is well.', '[]', 0, '7b2c4a10-0000-4000-8000-00000000c31d');
insert into machine (id, name, uuid, system, added_at, seen_at, asked_at, verdict, origin, headline, next, problem_code, problem_summary, problem_next, problem_since, problem_count, cmid) values
  (2, 'pc-2.corp.example', '4c4c4544-0042-4d10-8051-b4c04f313233', 'Microsoft Windows 11 Enterprise', 1793534400000, 1793534400000, 1793620800000, 'ok', 'own', 'All is well.', '[]', 'WINRM_UNREACHABLE', 'pc-2.corp.example cannot be reached.', '["Is it on?"]', 1793620800000, 1, '7b2c4a10-0000-4000-8000-00000000c31d');
insert into machine_import (id, source, at, listed, added, changed, renamed, replaced, returned, vanished, duplicates) values
  (1, 'ad', 1793534400000, 2, 2, 0, 0, 0, 0, 0, 0);
insert into source_entry (machine_id, source, import_id) values
  (1, 'ad', 1);
insert into source_entry (machine_id, source, import_id) values
  (2, 'ad', 1);
insert into machine_group (machine_id, source, name) values
  (1, 'ad', 'north');
insert into cause (id, key, text, next) values
  (1, 'It is not activated.', 'It is not activated.', '["slmctl apply"]');
insert into product (machine_id, key, present, name, application, edition, channel, method, add_on, partial_key, activation_id, state, expires_at, host, port, host_ip, host_found, activation_interval, renewal_interval, count, verdict, next, origin, origin_because, since) values
  (1, '11111111-2222-4333-8444-555555555555', 1, 'Windows(R), Enterprise edition', 'windows', 'Enterprise', 'kms-client', 'kms', 0, '2YT43', '11111111-2222-4333-8444-555555555555', 'licensed', 1806580800000, 'kms1.corp.example', 1688, '10.0.0.5', 'dns', 120, 10080, 50, 'ok', '[]', 'own', 'Declared: activated by a host of the site file.', 1793620800000);
insert into product (machine_id, key, present, name, application, edition, channel, method, add_on, partial_key, activation_id, state, expires_at, count, verdict, next, origin, origin_because, since, activation_object) values
  (2, '11111111-2222-4333-8444-555555555555', 1, 'Windows(R), Enterprise edition', 'windows', 'Enterprise', 'kms-client', 'adba', 0, '2YT43', '11111111-2222-4333-8444-555555555555', 'licensed', 1806494400000, 50, 'ok', '[]', 'own', 'Declared: activated by a host of the site file.', 1793534400000, 'CN=Act,CN=Activation Objects');
insert into product_past (id, machine_id, key, from_at, until_at, name, channel, method, partial_key, activation_id, state, host, port, verdict, cause, origin) values
  (1, 1, '11111111-2222-4333-8444-555555555555', 1793534400000, 1793620800000, 'Windows(R), Enterprise edition', 'kms-client', 'kms', '2YT43', '11111111-2222-4333-8444-555555555555', 'notification', 'kms1.corp.example', 1688, 'action', 'It is not activated.', 'own');
insert into campaign (id, key, kind, name, settings, state, created_at, changed_at, next_activation_at, activation_clock) values
  (1, 'c1', 'apply', 'all machines', '{"atOnce":8}', 'running', 1793534400000, 1793534400000, 1793534400200, 1793534400000);
insert into campaign_target (campaign_id, machine_id, site, position, state, attempts, due_at, owner, result, outcome_key, ended_at) values
  (1, 1, 'berlin', 1, 'done', 1, 1793534400000, 'w', 'changed', 'o1', 1793534400005);
insert into campaign_target (campaign_id, machine_id, site, position, state, attempts, due_at, owner, lease_until) values
  (1, 2, 'berlin', 2, 'leased', 1, 1793534400000, 'w', 1793534460000);
insert into journal_entry (campaign_id, machine_id, attempt, sequence, at, body) values
  (1, 1, 1, 0, 1793534400000, '{"about":"to"}');
insert into journal_entry (campaign_id, machine_id, attempt, sequence, at, body) values
  (1, 2, 1, 0, 1793534400000, '{"about":"to"}');
insert into plan (id, key, machine_id, campaign_id, made_at, fingerprint, steps, refused, body) values
  (1, 'p1', 1, 1, 1793534400000, '0123', 1, 0, '{"id":"m","name":"pc-1","holds":[],"steps":[{"change":"kms-host","what":"use the KMS host kms1","because":"The site wishes it.","class":"SoftwareLicensingService","key":null,"method":"SetKeyManagementServiceMachine","arguments":{"MachineName":"kms1.corp.example"},"product":null,"host":null,"secret":null,"activates":false}],"refused":[],"missing":[],"fallbacks":[],"fingerprint":"0123","changes":["kms-host"]}');
insert into outcome (id, key, machine_id, campaign_id, plan_id, began_at, ended_at, result, verdict) values
  (1, 'o1', 1, 1, 1, 1793534400000, 1793534400005, 'changed', 'ok');
insert into outcome_step (outcome_id, position, change, what, method, result, return_value, because, body) values
  (1, 0, 'kms-host', 'use the KMS host kms1', 'SetKeyManagementServiceMachine', 'done', 0, '', '{"change":"kms-host","what":"use the KMS host kms1","because":"The site wishes it.","class":"SoftwareLicensingService","key":null,"method":"SetKeyManagementServiceMachine","arguments":{"MachineName":"kms1.corp.example"},"product":null,"host":null,"secret":null,"activates":false}');
insert into host (id, name, port, sources, added_at, listed_at) values
  (1, 'kms1.corp.example', 1688, '["site"]', 1793534400000, 1793534400000);
insert into host_check (id, host_id, address, from_at, last_at, times, state, told) values
  (1, 1, '10.0.0.5', 1793534400000, 1793534400000, 1, 'alive', '{"build":20348}');
insert into host_count (id, host_id, key, application, name, from_at, last_at, times, count, thresholds, total, failed) values
  (1, 1, 'ABCDE', 'windows', 'Windows Server 2022', 1793534400000, 1793534400000, 1, 26, '[{"of":"client Windows","count":25}]', 100, 3);
