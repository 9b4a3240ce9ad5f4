package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/sd"
)

// stepFlags are the flags of the commands that edit single DACL entries: grant, deny and revoke.
type stepFlags struct {
	editFlags `embed:""`
	Every     bool `help:"${aclEvery}"`
	Reorder   bool `help:"Put the DACLs to edit in canonical order first."`
}

// aclGrantCmd holds the arguments and flags of refmon acl grant.
type aclGrantCmd struct {
	stepFlags `embed:""`
	Who       []string `arg:"" name:"who:rights" help:"Users or groups with rights: bob:modify staff:read,DELETE."`
	Replace   bool     `help:"Replace the file's own entries that grant rights to these users and groups."`
	To        string   `help:"${aclTo}" default:"all" enum:"all,this,below,folders,files" placeholder:"WHICH"`
}

// Help returns the long text of --help for refmon acl grant.
func (aclGrantCmd) Help() string {
	return `Adds entries that grant rights to users and groups, by name:

  refmon acl grant /srv/projects/plan bob:modify
  refmon acl grant -r /srv/projects 'CORP\Staff:read' alice:full
  refmon acl grant -r /srv/projects bob:modify --dry-run -d company.yaml

Rights: read, write, modify, full, list (read and execute), control; icacls' letters R, W, M, F, RX, D; or names such
as DELETE and FILE_READ_DATA. Join several by commas.
` + editHelp + `
A grant does not override an entry that denies. If one remains for the same user or group, this command says so.`
}

// Run adds entries that allow, or with --replace puts them in place of the account's entries. An unknown account
// changes nothing.
func (c *aclGrantCmd) Run(std *streams) error {
	verb := acltree.Grant
	if c.Replace {
		verb = acltree.Set
	}
	return c.edit(std, "grant", verb, c.Who, c.To, nil)
}

// aclDenyCmd holds the arguments and flags of refmon acl deny.
type aclDenyCmd struct {
	stepFlags `embed:""`
	Who       []string `arg:"" name:"who:rights" help:"A user or group and the rights to deny, such as bob:write."`
	To        string   `help:"${aclTo}" default:"all" enum:"all,this,below,folders,files" placeholder:"WHICH"`
}

// Help returns the long text of --help for refmon acl deny.
func (aclDenyCmd) Help() string {
	return `Adds entries that deny rights to users and groups, by name. They come before the file's own entries that grant.
Denying write leaves reading possible. To end a grant, prefer refmon acl revoke.

  refmon acl deny /srv/projects/plan bob:write
  refmon acl deny -r /srv/projects Interns:full
` + editHelp
}

// Run adds entries that deny. An unknown account changes nothing and is an error.
func (c *aclDenyCmd) Run(std *streams) error {
	return c.edit(std, "deny", acltree.Deny, c.Who, c.To, nil)
}

// aclRevokeCmd holds the arguments and flags of refmon acl revoke.
type aclRevokeCmd struct {
	stepFlags `embed:""`
	Who       []string `arg:"" name:"who[:rights]" help:"A user or group, or some of its rights, as bob or bob:write."`
	Only      string   `help:"Revoke only grants, or only denials." default:"" enum:",grants,denials" placeholder:"KIND"`
}

// Help returns the long text of --help for refmon acl revoke.
func (aclRevokeCmd) Help() string {
	return `Removes what a file's own entries grant and deny to users and groups. Without rights it removes all of their
entries. Inherited entries stay: revoke those on the directory that they come from. With rights or --only, entries with
a condition stay too.

  refmon acl revoke /srv/projects/plan bob
  refmon acl revoke -r /srv/projects bob:write
  refmon acl revoke /srv/projects/plan bob --only denials
` + editHelp + `
The exit code is also 2 if the file has no entry to revoke. With -r it is 1 if a descendant still grants what was
revoked, by its own entries or because its DACL is protected or absent.`
}

// Run removes the entries of an account: all, or with --only those that allow or deny. A file without such entries is
// not changed.
func (c *aclRevokeCmd) Run(std *streams) error {
	var only *acltree.Verb
	switch c.Only {
	case "grants":
		only = new(acltree.Verb)
	case "denials":
		deny := acltree.Deny
		only = &deny
	}
	return c.edit(std, "revoke", acltree.Revoke, c.Who, "all", only)
}

// editHelp is the part of the help that the three commands share.
const editHelp = `
With -r, the command updates the inherited entries of every descendant, as Windows does. A descendant's own entries
stay, and the command does not go below a directory with a protected DACL. With --every, it also makes the change in
the own entries of each file.

PATH is on a mount of refmond, which checks the caller's rights. With --offline, the command writes the attribute itself
and checks no rights.

--dry-run writes nothing. It lists who gains and loses what, as refmon diff does: for all users of -d, or else for the
users and groups that the command names. The exit code is then 1 if somebody gains or loses rights.

Before the first change, an undo file is on disk. refmon acl undo FILE takes everything back. After an interruption,
repeat the command with --undo-file FILE: it continues the same change.

Names are looked up in -d, --id-maps, --names-from and then the host. Write user:bob or group:bob if both exist. A SID
is a name too. CORP\bob is never the bob of -d, because a directory file does not name its domain. Standard error
shows the SID of each name.
`

// inheritance are the flags of a new entry of a directory.
var inheritance = map[string]uint8{
	"all":     sd.ObjectInherit | sd.ContainerInherit,
	"this":    0,
	"below":   sd.ObjectInherit | sd.ContainerInherit | sd.InheritOnly,
	"folders": sd.ContainerInherit,
	"files":   sd.ObjectInherit | sd.InheritOnly,
}

// edit grants, denies or revokes rights on a file, and with -r on its descendants. verb is the operation. who lists
// users and groups with their rights; to and only apply to each. It prints the SID of each name. A malformed name or
// right is an error before any change. Unless Every is set, descent stops at a protected DACL.
func (f *stepFlags) edit(std *streams, name string, verb acltree.Verb, who []string, to string,
	only *acltree.Verb) error {
	names, done, err := f.names(std)
	if err != nil {
		return err
	}
	defer done()
	var steps []acltree.Step
	var trustees []trustee
	for _, w := range who {
		s, t, err := step(std, names, verb, w)
		if err != nil {
			return err
		}
		s.Flags, s.Only = inheritance[to], only
		steps, trustees = append(steps, s), append(trustees, t)
	}
	if f.DryRun {
		explainRights(std, who, steps)
	}
	run := &aclRun{editFlags: &f.editFlags, std: std, command: f.command(name, who, to, steps), names: names,
		files:    f.maps, // the id maps give the owner of a file without a descriptor
		trustees: trustees, direct: to != "this", inherits: true, every: f.Every}
	change := acltree.Edit(steps)
	if f.Every {
		change = acltree.EditEach(steps)
	}
	run.change = func(n *acltree.Node) (*sd.Descriptor, bool, error) {
		if f.Reorder && (n.Path == "" || f.Every) && n.Before.DACL() != nil {
			n.Before = acltree.WithDACL(n.Before, sd.Canonicalize(n.Before.DACL()))
		}
		after, descend, err := change(n)
		switch {
		case err == nil && n.Path == "":
			run.remains(after, steps)
		case err == nil:
			run.keeps(n.Path, after, steps)
		}
		return after, descend, explained(err)
	}
	return run.do()
}

// command returns the description of the change in the undo file. It has the names and rights of the command line, the
// SIDs of these names, and each flag that changes the result. A run with another SID or flag is another change.
func (f *stepFlags) command(name string, who []string, to string, steps []acltree.Step) string {
	var text strings.Builder
	text.WriteString(name)
	for i, s := range steps {
		fmt.Fprintf(&text, " %q (%v)", who[i], s.Trustee)
	}
	only := steps[0].Only
	for _, flag := range []struct {
		set  bool
		text string
	}{
		{f.Every, "--every"}, {f.Reorder, "--reorder"}, {steps[0].Verb == acltree.Set, "--replace"},
		{to != "all", "--to " + to}, {only != nil && *only == acltree.Grant, "--only grants"},
		{only != nil && *only == acltree.Deny, "--only denials"},
	} {
		if flag.set {
			text.WriteString(" " + flag.text)
		}
	}
	return text.String()
}

// explainRights prints the masks of the rights that the command line names, which the table of a dry run shows.
func explainRights(std *streams, who []string, steps []acltree.Step) {
	printed := map[string]bool{}
	for i, w := range who {
		rights := w[strings.LastIndexByte(w, ':')+1:]
		mask, also := steps[i].Rights.Allow, ", with SYNCHRONIZE"
		if steps[i].Verb == acltree.Deny || steps[i].Verb == acltree.Revoke {
			mask, also = steps[i].Rights.Deny, ""
		}
		if mask != 0 && !printed[rights] {
			printed[rights] = true
			fmt.Fprintf(std.err, "refmon: %s is %s%s\n", printable(rights), mask.Padded(), also)
		}
	}
}

// explained adds to an error of an edit how the user can avoid it. It returns other errors, and nil, unchanged.
func explained(err error) error {
	if errors.Is(err, sd.ErrNotCanonical) {
		return fmt.Errorf("%w: --reorder puts it in order first, which can change what it decides", err)
	}
	return err
}

// step parses WHO:RIGHTS, such as bob:modify or user:bob:modify. Only a revocation may omit the rights and their
// colon, and then removes all entries of the user or group. Other texts without rights and unknown names are errors.
// Unless the name is a SID, step prints its SID to standard error.
func step(std *streams, names *acltree.Names, verb acltree.Verb, text string) (s acltree.Step, t trustee,
	err error) {
	s.Verb = verb
	name, rights, given := text, "", verb != acltree.Revoke
	if at := strings.LastIndexByte(text, ':'); at >= 0 && text[:at] != "user" && text[:at] != "group" {
		name, rights, given = text[:at], text[at+1:], true
	}
	if given {
		if s.Rights, err = acltree.ParseRights(rights); err != nil {
			return s, t, fmt.Errorf("%s: %w", printable(text), err)
		}
	}
	a, err := names.Find(name)
	if err != nil {
		return s, t, err
	}
	if a.From != "SDDL" {
		fmt.Fprintf(std.err, "refmon: %s is %v, from %s\n", inLine(name), a.SID, inLine(a.From))
	}
	s.Trustee = a.SID
	return s, trustee{strings.TrimPrefix(strings.TrimPrefix(name, "user:"), "group:"), a}, nil
}
