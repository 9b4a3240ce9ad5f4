package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/cli/lint"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// privateCmd holds the arguments and flags of refmon private.
type privateCmd struct {
	Object     string   `arg:"" name:"sddl|file" help:"${privateObject}"`
	For        string   `help:"The user whose object it is: a name or a SID." placeholder:"USER" required:""`
	Allow      []string `help:"${privateAllow}" placeholder:"WHO" sep:"none"`
	Objects    string   `help:"${objects}" placeholder:"FILE" short:"o"`
	Parent     []string `help:"${privateParent}" placeholder:"SDDL" sep:"none"`
	Links      uint32   `help:"Number of names of the object, with SDDL." placeholder:"N"`
	Type       string   `help:"With SDDL: file or directory." default:"file" enum:"file,directory" placeholder:"TYPE"`
	Attribute  string   `default:"security.NTACL" help:"${privateAttribute}" placeholder:"NAME"`
	namesFlags `embed:""`
	JSON       bool `name:"json" help:"Print the answer as JSON." xor:"form"`
	Quiet      bool `help:"Print nothing: the exit code is the answer." short:"q" xor:"form"`
}

// Help returns the long text of --help for refmon private.
func (privateCmd) Help() string {
	return `Says whether a file or directory is private: only the user, SYSTEM and Administrators may read or change it.
Lists everybody else who may.

  refmon private 'O:BAD:P(A;;FA;;;BA)(A;;FR;;;BU)' --for S-1-5-21-1-2-3-1107
  refmon private /srv/share/alice/id_ed25519 --for alice -d company.yaml
  refmon private "$(cat key.sddl)" --parent "$(cat folder.sddl)" \
    --for alice -d company.yaml --allow 'Domain Admins'

Changing includes deleting the object, changing its rights or owner, and owning it. Entries that deny count, and so do
inherited ones. The folder counts too: whoever may delete the file there can put another in its place. Whoever creates
files in a private directory gets private files. A file with several hard links is private only if the folders of all
links are given. A group counts as others, even if only the user is in it.

With --objects, the argument is the path of a row. The row of its folder counts if the objects file has one:

  refmon private /srv/notes.txt --for alice -o acls.jsonl -d company.yaml

For any other path refmon reads the stored descriptors of the file and its folder: those for Samba and refmond, or on
Windows the file's own. Unix modes are ignored. For SDDL, --parent adds the folder.

With --logon KIND all others log on in this way only. An entry for NTLM Authentication, INTERACTIVE or a similar group
then exposes nothing if such a logon does not add that group.

Holders of the privileges to back up, restore, take ownership and relabel are listed separately and do not count, and
neither do application packages. Integrity labels, conditions and policies never make an object private.

The exit code is 0 if the object is private, 1 if it is not, 2 if that could not be answered.`
}

// privateObject is the object whose privacy is in question: its descriptor, those of the folders that contain it, and
// its number of hard links.
type privateObject struct {
	object    *sd.Descriptor
	directory bool
	parents   []*sd.Descriptor
	links     uint32 // 0: not known
}

// Run decides whether anyone but the user and those of --allow can read or change the object, and prints the answer. It
// returns errDenied if somebody can. Everyone in --allow is an error, and so is a name that is not found. --quiet
// prints nothing.
func (c *privateCmd) Run(std *streams) error {
	if err := c.fromObjects(std, &objectsFlags{Objects: c.Objects}); err != nil {
		return err
	}
	names, done, err := c.names(std)
	defer done()
	if err != nil {
		return err
	}
	q := fileaccess.PrivateRequest{}
	if q.User, err = personSID(names, c.For); err != nil {
		return fmt.Errorf("--for: %w", err)
	}
	for _, who := range c.Allow {
		a, err := names.Find(who)
		// An alias such as DA refers to the user's domain, unless it is a name as well (U-116).
		if s, other := sid.Resolve(who, domainOf(q.User)); errors.As(err, new(*acltree.UnknownError)) && other == nil {
			a, err = acltree.Account{SID: s}, nil
		}
		if err == nil && a.SID == sid.Everyone {
			err = errors.New("Everyone is everybody, so that nobody else would be left")
		}
		if err != nil {
			return fmt.Errorf("--allow: %w", err)
		}
		q.Trusted = append(q.Trusted, a.SID)
	}
	h, err := c.read(std, domainOf(q.User), names.Directory)
	if err != nil {
		return err
	}
	q.Object, q.Directory, q.Parents, q.Links = h.object, h.directory, h.parents, h.links
	kind, given, err := kindOf(c.Logon)
	if err != nil {
		return err
	}
	if given {
		q.Absent = absentBut(kind)
	}
	p, err := fileaccess.Private(&q)
	if err != nil {
		return err
	}
	page := privatePage{std: std, q: &q, p: &p, name: namesOf(names.Directory)}
	switch {
	case c.JSON:
		err = page.printJSON()
	case !c.Quiet:
		err = page.print()
	}
	if err != nil {
		return err
	}
	return verdict(p.Private())
}

// absentBut returns the SIDs that no token can have if all other users log on with kind k. Entries for these SIDs
// grant nothing. Except with Kerberos, the SIDs of both ways to prove an identity are possible.
func absentBut(k logon.Kind) (absent []sid.SID) {
	groups := func(k logon.Kind, kdc bool) []sid.SID {
		t, proof := k.Parts(kdc)
		return logon.Groups(t, proof, false, false)
	}
	possible := append(groups(k, true), groups(k, k == logon.Kerberos)...)
	for _, other := range logon.Kinds {
		for _, s := range groups(other, true) {
			if !slices.Contains(possible, s) {
				absent = append(absent, s)
			}
		}
	}
	return absent
}

// read returns the object in c.Object: a descriptor, or the stored descriptors of a path. A descriptor is SDDL, bytes
// or a pasted listing. With --objects the object is in that file. --parent, --links and --type are errors for a path.
// So is a malformed --parent.
func (c *privateCmd) read(std *streams, domain sid.SID, dir *directory.Directory) (h privateObject, err error) {
	if c.Objects != "" {
		return c.listed(std, domain, dir)
	}
	if h.object, err = pasted(std, c.Object, domain, dir); err != nil {
		return h, err
	}
	if h.object == nil && !lint.IsText(c.Object) && !isHex(c.Object) && !inBytes(c.Object) {
		if len(c.Parent) > 0 || c.Links > 0 || c.Type != "file" {
			return h, errors.New("--parent, --links and --type are about SDDL: of a path they are read from the file")
		}
		return ownDescriptors(c.Object, c.Attribute)
	}
	if h.object == nil {
		if h.object, err = (&sddlCmd{Text: c.Object}).parse(std, domain); err != nil {
			return h, err
		}
	}
	for _, text := range c.Parent {
		d, err := (&sddlCmd{Text: text}).parse(std, domain)
		if err != nil {
			return h, fmt.Errorf("--parent: %w", err)
		}
		h.parents = append(h.parents, d)
	}
	h.directory, h.links = c.Type == "directory", c.Links
	return h, nil
}

// domainOf returns the domain of a user's SID, zero for a user of no domain.
func domainOf(user sid.SID) sid.SID {
	if user.Authority() == 5 && user.SubAuthorities() == 5 && user.Sub(0) == 21 {
		return user.Prefix()
	}
	return sid.SID{}
}

// personSID returns the SID of one user. A group is an error, because its members are not one user. SYSTEM,
// LOCAL SERVICE, NETWORK SERVICE and IUSR count as users. An error may come with the SID.
func personSID(names *acltree.Names, who string) (sid.SID, error) {
	a, err := names.Find(who)
	if err != nil {
		return a.SID, err
	}
	users := []sid.SID{sid.LocalSystem, sid.LocalService, sid.NetworkService, sid.IUSR}
	group := a.Group || sid.Name(a.SID) != "" && a.SID.Authority() != 22
	if alias := sid.Alias(a.SID, domainOf(a.SID)); !domainOf(a.SID).IsZero() {
		group = a.Group || len(alias) == 2 && alias != "LA" && alias != "LG"
	}
	if group && !slices.Contains(users, a.SID) {
		return a.SID, fmt.Errorf("%s is a group, and an object is private for one user", inLine(who))
	}
	return a.SID, nil
}
