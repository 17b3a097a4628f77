BEGIN TRANSACTION;
CREATE TABLE access_keys (
	id VARCHAR(32) NOT NULL, 
	user_id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(32) NOT NULL, 
	secret TEXT NOT NULL, 
	description VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	revoked_at DATETIME, 
	CONSTRAINT pk_access_keys PRIMARY KEY (id), 
	CONSTRAINT fk_access_keys_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE RESTRICT, 
	CONSTRAINT fk_access_keys_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE RESTRICT
);
INSERT INTO "access_keys" VALUES('AKEXAMPLE00000000001','22222222222222222222222222222222','11111111111111111111111111111111','gAAAAABrDD-Iag56oQY_rV6Tn0ew0XPBZIHg-Y5ltF_68MCg3ZehWnKLoewE8hk6Al9vFpcgSw8C6eZHG-hZZhtIf2zWiiWnJMjLe1tFROObPjhrS7xGWd3VI1xyb_KmqYDzlBncf2iI','','2026-01-02 03:04:05.250000',NULL,NULL);
CREATE TABLE attachments (
	id VARCHAR(32) NOT NULL, 
	policy_id VARCHAR(32), 
	system_policy VARCHAR(64), 
	user_id VARCHAR(32), 
	group_id VARCHAR(32), 
	project_id VARCHAR(32), 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	CONSTRAINT pk_attachments PRIMARY KEY (id), 
	CONSTRAINT ck_attachments_one_policy CHECK ((policy_id IS NULL) <> (system_policy IS NULL)), 
	CONSTRAINT ck_attachments_one_holder CHECK ((user_id IS NULL) <> (group_id IS NULL)), 
	CONSTRAINT fk_attachments_policy_id FOREIGN KEY(policy_id) REFERENCES policies (id) ON DELETE CASCADE, 
	CONSTRAINT fk_attachments_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_attachments_group_id FOREIGN KEY(group_id) REFERENCES groups (id) ON DELETE CASCADE, 
	CONSTRAINT fk_attachments_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "attachments" VALUES('55555555555555555555555555555555','44444444444444444444444444444444',NULL,NULL,'33333333333333333333333333333333',NULL,'2026-01-02 03:04:05.250000',NULL);
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR(128) NOT NULL, 
	action VARCHAR(128) NOT NULL, 
	target VARCHAR(255) NOT NULL, 
	project_id VARCHAR(32), 
	address VARCHAR(64), 
	CONSTRAINT pk_audit PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,'2026-01-02 03:04:05.250000','local:root','iam:key:create','AKEXAMPLE00000000001',NULL,NULL);
CREATE TABLE buckets (
	id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(32) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	endpoint VARCHAR(255) NOT NULL, 
	region VARCHAR(64) NOT NULL, 
	bucket VARCHAR(64) NOT NULL, 
	path_style BOOLEAN NOT NULL, 
	access_id VARCHAR(255), 
	secret TEXT, 
	role VARCHAR(255), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_buckets PRIMARY KEY (id), 
	CONSTRAINT uq_buckets_project_id_name UNIQUE (project_id, name), 
	CONSTRAINT ck_buckets_whole_key CHECK ((access_id IS NULL) = (secret IS NULL)), 
	CONSTRAINT ck_buckets_one_way_in CHECK (access_id IS NULL OR role IS NULL), 
	CONSTRAINT fk_buckets_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
CREATE TABLE callback_keys (
	id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(32) NOT NULL, 
	secret TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_callback_keys PRIMARY KEY (id), 
	CONSTRAINT uq_callback_keys_project_id UNIQUE (project_id), 
	CONSTRAINT fk_callback_keys_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
CREATE TABLE groups (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	description VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_groups PRIMARY KEY (id), 
	CONSTRAINT uq_groups_name UNIQUE (name)
);
INSERT INTO "groups" VALUES('33333333333333333333333333333333','team','','2026-01-02 03:04:05.250000');
CREATE TABLE interface_minutes (
	project_id VARCHAR(255) NOT NULL, 
	minute INTEGER NOT NULL, 
	interface VARCHAR(64) NOT NULL, 
	server_id VARCHAR(32) NOT NULL, 
	successful BIGINT NOT NULL, 
	failed_4xx BIGINT NOT NULL, 
	failed_5xx BIGINT NOT NULL, 
	delay_s FLOAT NOT NULL, 
	CONSTRAINT pk_interface_minutes PRIMARY KEY (project_id, minute, interface, server_id)
);
CREATE TABLE job_heard (
	job_id VARCHAR(32) NOT NULL, 
	channel INTEGER NOT NULL, 
	minute INTEGER NOT NULL, 
	segments TEXT NOT NULL, 
	CONSTRAINT pk_job_heard PRIMARY KEY (job_id, channel, minute), 
	CONSTRAINT fk_job_heard_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE TABLE job_marks (
	job_id VARCHAR(32) NOT NULL, 
	minute INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	places INTEGER NOT NULL, 
	CONSTRAINT pk_job_marks PRIMARY KEY (job_id, minute, name), 
	CONSTRAINT fk_job_marks_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE TABLE job_segments (
	job_id VARCHAR(32) NOT NULL, 
	minute INTEGER NOT NULL, 
	segments TEXT NOT NULL, 
	CONSTRAINT pk_job_segments PRIMARY KEY (job_id, minute), 
	CONSTRAINT fk_job_segments_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE TABLE job_servers (
	id VARCHAR(32) NOT NULL, 
	beats BIGINT NOT NULL, 
	CONSTRAINT pk_job_servers PRIMARY KEY (id)
);
CREATE TABLE jobs (
	id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(255) NOT NULL, 
	principal JSON, 
	state VARCHAR(16) NOT NULL, 
	request JSON NOT NULL, 
	data_url TEXT, 
	callback_url TEXT, 
	upload_id VARCHAR(32), 
	digest VARCHAR(64) NOT NULL, 
	turn INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	expires_at DATETIME, 
	audio_ms BIGINT, 
	done_ms BIGINT NOT NULL, 
	error_code VARCHAR(16), 
	error_message TEXT, 
	delivery JSON, 
	CONSTRAINT pk_jobs PRIMARY KEY (id)
);
CREATE TABLE memberships (
	group_id VARCHAR(32) NOT NULL, 
	user_id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_memberships PRIMARY KEY (group_id, user_id), 
	CONSTRAINT fk_memberships_group_id FOREIGN KEY(group_id) REFERENCES groups (id) ON DELETE CASCADE, 
	CONSTRAINT fk_memberships_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "memberships" VALUES('33333333333333333333333333333333','22222222222222222222222222222222');
CREATE TABLE packages (
	id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(32) NOT NULL, 
	service VARCHAR(64) NOT NULL, 
	amount BIGINT NOT NULL, 
	starts_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	CONSTRAINT pk_packages PRIMARY KEY (id), 
	CONSTRAINT ck_packages_amount CHECK (amount > 0), 
	CONSTRAINT ck_packages_times CHECK (starts_at < ends_at), 
	CONSTRAINT fk_packages_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE RESTRICT
);
CREATE TABLE policies (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	description VARCHAR(255) NOT NULL, 
	document JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_policies PRIMARY KEY (id), 
	CONSTRAINT uq_policies_name UNIQUE (name)
);
INSERT INTO "policies" VALUES('44444444444444444444444444444444','quiet','','{"Version": "1.1", "Statement": [{"Effect": "Deny", "Action": ["sis:tts:*"]}]}','2026-01-02 03:04:05.250000');
CREATE TABLE projects (
	id VARCHAR(32) NOT NULL, 
	domain VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	description VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	blocked_at DATETIME, frozen_at DATETIME, 
	CONSTRAINT pk_projects PRIMARY KEY (id), 
	CONSTRAINT uq_projects_domain_name UNIQUE (domain, name)
);
INSERT INTO "projects" VALUES('11111111111111111111111111111111','default','cn-north-4','','2026-01-02 03:04:05.250000',NULL,NULL);
CREATE TABLE quotas (
	project_id VARCHAR(32) NOT NULL, 
	service VARCHAR(64) NOT NULL, 
	per_month BIGINT NOT NULL, 
	CONSTRAINT pk_quotas PRIMARY KEY (project_id, service), 
	CONSTRAINT ck_quotas_per_month CHECK (per_month >= 0), 
	CONSTRAINT fk_quotas_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "quotas" VALUES('11111111111111111111111111111111','real-time',3600);
CREATE TABLE rasr_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT rasr_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "rasr_version" VALUES('0006');
CREATE TABLE tokens (
	digest VARCHAR(64) NOT NULL, 
	user_id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(32) NOT NULL, 
	issued_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	CONSTRAINT pk_tokens PRIMARY KEY (digest), 
	CONSTRAINT fk_tokens_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE RESTRICT, 
	CONSTRAINT fk_tokens_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE RESTRICT
);
CREATE TABLE upload_parts (
	upload_id VARCHAR(32) NOT NULL, 
	part INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_upload_parts PRIMARY KEY (upload_id, part), 
	CONSTRAINT fk_upload_parts_upload_id FOREIGN KEY(upload_id) REFERENCES uploads (id) ON DELETE CASCADE
);
CREATE TABLE uploads (
	id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	dropped BOOLEAN NOT NULL, 
	CONSTRAINT pk_uploads PRIMARY KEY (id)
);
CREATE TABLE usage (
	id VARCHAR(64) NOT NULL, 
	project_id VARCHAR(32) NOT NULL, 
	access_id VARCHAR(32), 
	user_id VARCHAR(32), 
	service VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	audio_ms BIGINT NOT NULL, 
	amount BIGINT NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (id), 
	CONSTRAINT fk_usage_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE RESTRICT
);
INSERT INTO "usage" VALUES('round-1','11111111111111111111111111111111','AKEXAMPLE00000000001','22222222222222222222222222222222','real-time','2026-01-02 03:04:05.250000',61000,61);
CREATE TABLE users (
	id VARCHAR(32) NOT NULL, 
	domain VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	description VARCHAR(255) NOT NULL, 
	password_hash TEXT, 
	created_at DATETIME NOT NULL, 
	blocked_at DATETIME, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_domain_name UNIQUE (domain, name)
);
INSERT INTO "users" VALUES('22222222222222222222222222222222','default','ann','',NULL,'2026-01-02 03:04:05.250000',NULL);
CREATE TABLE vocabularies (
	id VARCHAR(32) NOT NULL, 
	project_id VARCHAR(32) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	language VARCHAR(64) NOT NULL, 
	description VARCHAR(255) NOT NULL, 
	revision INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_vocabularies PRIMARY KEY (id), 
	CONSTRAINT uq_vocabularies_project_id_name UNIQUE (project_id, name), 
	CONSTRAINT fk_vocabularies_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE RESTRICT
);
INSERT INTO "vocabularies" VALUES('44444444444444444444444444444444','11111111111111111111111111111111','names','chinese_mandarin','',1,'2026-01-02 03:04:05.250000','2026-01-02 03:04:05.250000');
CREATE TABLE vocabulary_words (
	vocabulary_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	word VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_vocabulary_words PRIMARY KEY (vocabulary_id, position), 
	CONSTRAINT fk_vocabulary_words_vocabulary_id FOREIGN KEY(vocabulary_id) REFERENCES vocabularies (id) ON DELETE CASCADE
);
INSERT INTO "vocabulary_words" VALUES('44444444444444444444444444444444',0,'Dashwood');
CREATE INDEX ix_memberships_user_id ON memberships (user_id);
CREATE INDEX ix_attachments_user_id ON attachments (user_id);
CREATE INDEX ix_attachments_group_id ON attachments (group_id);
CREATE INDEX ix_attachments_policy_id ON attachments (policy_id);
CREATE INDEX ix_access_keys_user_id ON access_keys (user_id);
CREATE INDEX ix_access_keys_project_id ON access_keys (project_id);
CREATE INDEX ix_tokens_expires_at ON tokens (expires_at);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_audit_project_id_at ON audit (project_id, at);
CREATE INDEX ix_usage_project_id_at ON usage (project_id, at);
CREATE INDEX ix_packages_project_id_service ON packages (project_id, service);
CREATE INDEX ix_usage_project_id_service_at_amount ON usage (project_id, service, at, amount);
CREATE INDEX ix_interface_minutes_minute ON interface_minutes (minute);
CREATE INDEX ix_jobs_project_id_created_at ON jobs (project_id, created_at);
CREATE INDEX ix_jobs_project_id_digest_created_at ON jobs (project_id, digest, created_at);
CREATE INDEX ix_jobs_project_id_state_turn ON jobs (project_id, state, turn);
CREATE INDEX ix_jobs_state_turn ON jobs (state, turn);
CREATE INDEX ix_jobs_expires_at ON jobs (expires_at);
CREATE INDEX ix_jobs_upload_id ON jobs (upload_id);
CREATE INDEX ix_uploads_project_id ON uploads (project_id);
CREATE INDEX ix_uploads_created_at ON uploads (created_at);
COMMIT;
