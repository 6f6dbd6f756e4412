-- A store as schema version 1 made it. Never edited: stores like this are on people's disks.
pragma application_id = 1397509475;
CREATE TABLE slmctl_schema (version integer not null primary key, at bigint not null);
CREATE TABLE machine (

  id bigint not null primary key,
  name text not null, guid text, uuid text, address text, system text, system_version text, enabled integer,
  directory_seen_at bigint, distinguished_name text, pool text,

  added_at bigint not null, vanished_at bigint,

  seen_at bigint, asked_at bigint, verdict text, origin text, headline text, next text,

  problem_code text, problem_summary text, problem_next text, problem_since bigint, problem_count integer not null default 0
);
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
);
CREATE UNIQUE INDEX product_key on product (machine_id, key);
CREATE INDEX product_state on product (state, application, machine_id) where present = 1;
CREATE INDEX product_name on product (name, machine_id) where present = 1;
CREATE INDEX product_host on product (host, machine_id) where present = 1 and host is not null;
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
);
CREATE TABLE campaign_target (
  campaign_id bigint not null references campaign (id), machine_id bigint not null references machine (id), site text not null,
  position integer not null, state text not null, attempts integer not null, due_at bigint not null,
  owner text, lease_until bigint, result text, problem_code text, outcome_key text, ended_at bigint,
  primary key (campaign_id, machine_id)
);
CREATE INDEX campaign_target_due on campaign_target (campaign_id, site, due_at, position) where state = 'waiting';
CREATE INDEX campaign_target_leased on campaign_target (campaign_id, site, lease_until) where state = 'leased';
CREATE INDEX campaign_target_state on campaign_target (campaign_id, site, state, problem_code);
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
insert into slmctl_schema values (1, 1793534400000);
insert into machine (id, name, guid, added_at, seen_at, asked_at, verdict, origin, headline, next) values
  (1, 'pc-1.corp.example', '6f9619ff-8b86-4d01-b42d-00cf4fc964ff', 1793534400000, 1793534400000, 1793534400000, 'ok', 'own', 'All is well.', '[]');
insert into machine_import values (1, 'ad', 1793534400000, 1, 1, 0, 0, 0, 0, 0, 0);
insert into source_entry values (1, 'ad', 1, null);
insert into machine_group values (1, 'ad', 'north');
insert into product (machine_id, key, present, name, application, channel, method, add_on, state, verdict, next, origin, origin_because, since) values
  (1, 'k', 1, 'Windows(R), Enterprise edition', 'windows', 'kms-client', 'kms', 0, 'licensed', 'ok', '[]', 'own', 'Declared.', 1793534400000);
insert into product_past (machine_id, key, from_at, until_at, channel, method, state, verdict, origin) values
  (1, 'k', 1793000000000, 1793534400000, 'kms-client', 'kms', 'notification', 'action', 'own');
