-- The documents of a follower without a folder (N-130), with a partition for each tree. A partition has an index of
-- (id, right_name). part is the part of the tree whose log the row comes from.
create table if not exists refmon.documents (
	id text not null, right_name text not null, tree text not null, class int not null, part smallint not null,
	descriptor text not null, seq bigint not null, at timestamptz not null
) partition by list (tree);
-- The last message of each part's log whose rows are in the documents.
create table if not exists refmon.cursors (part text primary key, question text not null, message bigint not null,
	id text not null, generation bigint not null, seq bigint not null);
