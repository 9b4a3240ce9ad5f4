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
	return whoCanHelp
}

// whoCanHelp is the long text of --help for refmon who-can.
const whoCanHelp = `Lists, for each object, every principal that has all of a right on it. The command runs the
access check for every principal of the directory.

  refmon who-can read /srv/share -r --directory company.yaml
  refmon who-can write+full -o acls.jsonl -d company.yaml --format jsonl
  refmon who-can write /srv/share -d company.yaml --depth 3 --only dirs \
    --exclude '.*' --changes
  refmon who-can read+write+full -o acls.jsonl -d company.yaml --for-index \
    --out index.jsonl --sets sets.jsonl
  refmon who-can ResetPassword carla -o ad.ldif -d ad.ldif

With --objects, paths name objects in the file: by path, distinguished name, sAMAccountName, user principal name, SID
or alias. Without a path, the command lists every object.

On a terminal, a table shows groups instead of more than three names, such as Staff (168 of 170). Its column THROUGH is
the entry, the ownership or the privilege that grants. --names prints all names, and --no-names prints groups in other
outputs too. Standard error lists allowed accounts that no listed user has, such as deleted users, but no well-known
ones.

With --traverse host, the default for paths, users need the host's search permission on every folder above the object,
as with smbd. Modes and POSIX ACLs grant it to the uids and gids of the directory file; descriptors of the folders do
not. With --traverse never, and for rows of --objects, only the object's descriptor decides.

Each line of the objects file is a JSON object: {"path":"/srv/a","sd":"O:BAG:SYD:(A;;FR;;;DU)","type":"file"}, with
sdHex or sdBase64 instead of sd for bytes. The command also reads CSV as Get-Acl exports it (a column Path and one of
Sddl, sdHex, sdBase64), icacls saves, and LDIF with nTSecurityDescriptor.

The directory file names users and groups:

  domain: S-1-5-21-1-2-3
  users:
    - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [Engineering]}
  groups:
    - {name: Engineering, sid: S-1-5-21-1-2-3-2001, memberOf: [Staff]}
    - {name: Staff, sid: S-1-5-21-1-2-3-2002}

control is WRITE_DAC or WRITE_OWNER, granted by an entry, by ownership or by a privilege. A word for objects of Active
Directory includes their type: DCSync is the two replication rights on a domain, AddMember is writing the attribute
member. --object-type requests any other right on a property, property set, extended right or class.

memberOf takes names of the file, SIDs and aliases such as BA; groups nest. The command adds Everyone, Authenticated
Users, Users, Network, This Organization and Domain Users, as a network logon would, and leaves out disabled users. The
logon is with Kerberos (S-1-18-1). Another one needs --logon, or a line such as "logon: ntlm" in the directory file.

--for-index writes a line {"path":…,"sets":{"read":"NAME",…}} for each object and a line
{"set":"NAME","count":n,"ids":"0-3,7"} for each set. If it is shorter, "bitmap" replaces "ids" (base64, bit 0 of byte 0
is principal 0). The first line {"principals":[…]} numbers the principals. A set's name depends only on its SIDs and
the mask of its right. So it is the same in each run and on every machine, and changes of other users do not change it.

With --expressions a set also has "expression", a list of clauses that must all allow. A clause is a list of SIDs in
their order: "+SID" allows and "-SID" refuses those who have it. A set has no expression if its answer depends
on more than SIDs (claims, labels, privileges).

--format es-bulk writes input for the _bulk call of Elasticsearch and OpenSearch: for each object an action and a
document. The document's field _allow_access_control has the SIDs of those who have the right. --format csv-tables
writes two tables for the COPY command of a database: objects (path, right_name, set_name), and with --sets FILE sets
(set_name, sid). docs/search.md has the queries.

If --out names the output of an earlier run, es-bulk and JSON lines end with a deletion for each document that only
the earlier output has. Give --force to write over any other file, or if this run leaves out such documents.

The row of an unreadable object has "error" instead of a list, and the exit code is then 2.`

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
