package main

import (
	"errors"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/words"
)

// whoCanCmd holds the arguments and flags of refmon who-can.
type whoCanCmd struct {
	Right          string   `arg:"" help:"${right}"`
	Paths          []string `arg:"" optional:"" name:"path" help:"${namedPaths}"`
	objectsFlags   `embed:""`
	choiceFlags    `embed:""`
	traverseFlag   `embed:""`
	directoryFlags `embed:""`
	shareFlag      `embed:""`
	objectTypeFlag `embed:""`
	Format         string `help:"${formats}." default:"table" enum:"${formats}" short:"f"`
	Names          *bool  `help:"${names}" negatable:""`
	Changes        bool   `help:"${changes}"`
	Count          bool   `help:"Only how many principals can." xor:"what"`
	ForIndex       bool   `help:"${forIndex}" xor:"what"`
	Expressions    bool   `help:"${expressions}"`
	Sets           string `help:"With --for-index: write the table of sets to FILE." placeholder:"FILE"`
	outputFlags    `embed:""`
}

// Help returns the long text of --help for refmon who-can.
func (whoCanCmd) Help() string {
	return `Lists, for each object, every principal that has all of a right on it. The decision is the exact access
check for each of them, not a guess from the entries.

  refmon who-can read /srv/share -r --directory company.yaml
  refmon who-can write+full -o acls.jsonl -d company.yaml --format jsonl
  refmon who-can write /srv/share -d company.yaml --depth 3 --only dirs \
    --exclude '.*' --changes
  refmon who-can read+write+full -o acls.jsonl -d company.yaml --for-index \
    --out index.jsonl --sets sets.jsonl
  refmon who-can ResetPassword carla -o ad.ldif -d ad.ldif

With --objects, paths name objects in the file: by path, distinguished name, sAMAccountName, user principal name, SID
or alias. Without one, every object is listed.

On a terminal a table has groups in place of more than three names, as Staff (168 of 170), and THROUGH: the DACL entry,
owner or privilege. --names lists everybody, --no-names has groups elsewhere too. Standard error names accounts that
are allowed and that no listed user has, such as deleted users, but no well-known ones.

With --traverse host, the default for paths, users who lack the host's search permission of a folder on the way are
left out, as smbd refuses them: modes and POSIX ACLs count, by the uid and gid of the directory file, and folders'
own descriptors do not. With --traverse never, and for rows of --objects, the object's descriptor decides alone.

The objects file has a JSON object a line: {"path":"/srv/a","sd":"O:BAG:SYD:(A;;FR;;;DU)","type":"file"}, with
sdHex or sdBase64 instead of sd for bytes. CSV as Get-Acl exports it (a column Path and one of Sddl, sdHex,
sdBase64), icacls saves and LDIF with nTSecurityDescriptor are recognised too.

The directory file names users and groups:

  domain: S-1-5-21-1-2-3
  users:
    - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [Engineering]}
  groups:
    - {name: Engineering, sid: S-1-5-21-1-2-3-2001, memberOf: [Staff]}
    - {name: Staff, sid: S-1-5-21-1-2-3-2002}

control is WRITE_DAC or WRITE_OWNER, by an entry, as the owner or by a privilege. A word of a directory asks
about the object types it means: DCSync is the two replication rights on a domain, AddMember is writing member.
--object-type asks every other right about a property, property set, extended right or class.

memberOf takes names of the file, SIDs and aliases such as BA; groups nest. Everyone, Authenticated Users,
Users, Network, This Organization and Domain Users are added as a network logon would; disabled users are left
out. The logon is with Kerberos (S-1-18-1); --logon or a line "logon: ntlm" names another.

--for-index writes {"path":…,"sets":{"read":"NAME",…}} a row, and for each set once
{"set":"NAME","count":n,"ids":"0-3,7"} or, where that is shorter, "bitmap" (base64, bit 0 of byte 0 is principal
0). The first row {"principals":[…]} numbers the principals. A name is made of the SIDs in the set and the mask
of its right, so that it stays the same from run to run and on every machine, and other users do not change it.
With --expressions a set has "expression": clauses that must all allow, each a list of SIDs read in order,
"+SID" allows and "-SID" refuses those who have it; it is left out where SIDs alone do not tell (claims, labels,
privileges).

--format es-bulk writes what Elasticsearch and OpenSearch take as _bulk: for each object an action and a
document with _allow_access_control, the SIDs of those who have the right. --format csv-tables writes two tables
for COPY of a database: of objects (path, right_name, set_name), and with --sets FILE of sets (set_name, sid).
docs/search.md has the queries.

If --out names the output of an earlier run, es-bulk and JSON lines end with a deletion for each document that only
the earlier output has. Give --force to write over any other file, or if this run leaves out such documents.

Unreadable objects give a row with "error", never an empty or a full list; the exit code is then 2.`
}

// Run prints who has the right on each object, in the form that the flags select. A named object that is not found is
// an error. The default format lists groups on a terminal, and members elsewhere. --sets and --expressions without
// --for-index are errors. The csv-tables format implies --for-index, unless --count is given.
func (c *whoCanCmd) Run(std *streams) error {
	rights, err := words.Parse(c.Right)
	if err != nil {
		return err
	}
	c.ForIndex = c.ForIndex || c.Format == "csv-tables" && !c.Count
	if (c.Sets != "" || c.Expressions) && !c.ForIndex {
		return errors.New("--sets and --expressions belong to --for-index")
	}
	run := &bulk.Run{Rights: rights, Ask: bulk.Who, Expressions: c.Expressions, Changes: c.Changes}
	// On a terminal a person reads groups; elsewhere names are looked for (U-104).
	groups := std.width > 0 && c.Out == "" && c.Format == "table"
	if c.Names != nil {
		groups = !*c.Names
	}
	switch {
	case c.ForIndex:
		run.Ask = bulk.Index
	case c.Count:
		run.Ask = bulk.Count
	case groups:
		run.Ask = bulk.Through
	}
	if run.Format, err = bulk.ParseFormat(c.Format); err != nil {
		return err
	}
	if run.Type, err = objectType(c.Type); err != nil {
		return err
	}
	if run.Types, err = c.chains(); err != nil {
		return err
	}
	if run.Directory, err = c.directoryFor(std, &c.objectsFlags, c.Paths); err != nil {
		return err
	}
	gate, err := c.gate(std)
	if err != nil {
		return err
	}
	run.Logons = gate.logons(run.Directory)
	if run.Directory, _, run.Share, err = gate.before(std, run.Directory); err != nil {
		return err
	}
	if err := c.traverseFlag.choose(&c.objectsFlags); err != nil {
		return err
	}
	c.people, c.rights, run.Unlisted = run.Directory, rights, len(c.Directory) > 0 // a token file lists no users
	in, err := c.choiceFlags.open(std, &c.objectsFlags, gate.objects(&c.objectsFlags, c.Paths), run.Type)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }() // only read
	if err := in.choose(rights); err != nil {
		return err
	}
	noteUnreadable(std, append([]string{c.Right}, c.ObjectType...))
	out := c.output(std, in, c.inputs(c.Objects)...)
	run.Source, out.sets, out.none = in.source, c.Sets, c.none
	if err := out.run(run); err != nil {
		return err
	}
	return c.missing()
}
