package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

type reachCmd struct {
	Who            string   `arg:"" optional:"" help:"${reachWho}"`
	Paths          []string `arg:"" optional:"" name:"path" help:"${paths}"`
	objectsFlags   `embed:""`
	directoryFlags `embed:""`
	To             string `help:"${to}" placeholder:"OBJECT"`
	MaxDepth       int    `help:"Maximum number of steps of a path." default:"256" placeholder:"N"`
	Joined         int    `help:"${joined}" default:"1" placeholder:"N"`
	BlockOwner     bool   `name:"block-owner-implicit-rights" help:"${blockOwner}"`
	JSON           bool   `name:"json" help:"Print a line of JSON for each path."`
}

// Help returns the long text of --help for refmon reach.
func (reachCmd) Help() string {
	return `Lists the objects that a user can take control of step by step, each with a shortest path: accounts whose
password it may set, groups whose members it may change, objects whose rights it may change, and so on from there.
Below each step is the entry that grants it.

  refmon reach mallory -o ad.ldif -d ad.ldif
  refmon reach mallory -o ad.ldif -d company.yaml \
    --to 'CN=Domain Admins,CN=Users,DC=corp,DC=test'
  refmon reach -o ad.ldif -d ad.ldif --to 'Domain Admins'

Without a user, --to lists all users who reach the object, the nearest first, each with one shortest path.

Every step is an access check with the user's token at that point, so deny entries, their order, groups, conditions,
property sets and OWNER RIGHTS count. The SID of an object identifies it as an account or a group: export objectSid and
objectClass together with nTSecurityDescriptor (ldapsearch), or set "sid" in a line of JSON.

One of these rights on an account lets the user act as the account: GenericAll, WriteDacl, WriteOwner,
ForceChangePassword, AddKeyCredentialLink, AddAllowedToAct, WriteSPN, WriteAltSecurityIdentities, ReadGMSAPassword.

One of these rights on a group makes the user a member: GenericAll, WriteDacl, WriteOwner, AddMember, AddSelf.

Members of Backup, Server and Print Operators take over domain controllers by their default user rights. That step is
called OperatorPrivileges.

Control of the domain's head, or DCSync on it, gives every object of the domain, by a step called ControlsDomain.
Control of AdminSDHolder gives the protected accounts and groups, by a step called SDProp.

Any other object is the end of a path. The rights that reach it are GenericAll, WriteDacl, WriteOwner, DCSync (on a
domain) and WriteGPLink (on a domain or organizational unit).

WriteOwner counts only if the owner then has a right. With --joined 2 a token may keep two groups that the user joined
on the way. This finds steps that need both groups, for example because of a condition or the two rights of DCSync.

The exit code is 0; with --to it is 1 if the object is not reached, 2 if the search ended before that was known.`
}

// maxObjects limits the objects in memory.
const maxObjects = 1 << 22

// Run searches the paths from a user, or to an object, and prints them. If it could not read an object, it prints the
// paths and returns errReported. Otherwise, with --to, it returns errDenied if there is no path, and errReported if the
// search was cut before it found one. Without a user and --to it returns an error. --max-depth and --joined must be at
// least 1. A search that was cut says so on standard error.
func (c *reachCmd) Run(std *streams) error {
	s := reach.Search{MaxDepth: c.MaxDepth, MaxJoined: c.Joined, BlockOwner: c.BlockOwner, People: !c.JSON}
	if c.MaxDepth < 1 || c.Joined < 1 {
		return errors.New("--max-depth and --joined: want a number from 1")
	}
	var err error
	read := func() (*directory.Directory, error) { return c.directoryFor(std, &c.objectsFlags, c.Paths) }
	switch {
	case c.Who != "":
		s.Directory, s.From, err = c.asking(std, c.Who, read)
	case c.To == "":
		err = errors.New("give a user, to list what the user reaches, or --to OBJECT, to list who reaches it")
	default:
		s.Directory, err = read()
	}
	if err != nil {
		return err
	}
	failed, err := c.read(std, &s)
	if err != nil {
		return err
	}
	ctx, cancel := interrupted()
	defer cancel()
	find := c.outbound
	if c.Who == "" {
		find = c.inbound
	}
	found, cut, err := find(ctx, std, &s)
	if err != nil {
		return err
	}
	if cut != "" {
		fmt.Fprintf(std.err, "refmon: the search ended %s: there may be more\n", cut)
	}
	if failed != nil {
		fmt.Fprintf(std.err, "refmon: %s\n", printable(failed.Error()))
		return errReported
	}
	if c.To != "" {
		if found == 0 && cut != "" {
			return errReported // the search was cut short, so the result is unknown
		}
		return verdict(found > 0)
	}
	return nil
}

// outbound prints what the user reaches, with --to only the named objects, and returns their number. cut says why the
// search ended early, or is "". An object of --to that is not among the input is an error.
func (c *reachCmd) outbound(ctx context.Context, std *streams, s *reach.Search) (found int, cut string, err error) {
	result, err := s.Do(ctx)
	if err != nil {
		return 0, "", err
	}
	paths := result.Paths
	if c.To != "" {
		targets, err := c.targets(s)
		if err != nil {
			return 0, "", err
		}
		paths = slices.DeleteFunc(paths, func(p reach.Path) bool {
			return !slices.ContainsFunc(targets, func(i int) bool { return s.Objects[i].Path == p.Object })
		})
	}
	return len(paths), result.Cut, c.print(std, s, paths)
}

// inbound prints who reaches the object of --to (B-25), and returns their number. cut says why the search ended early,
// or is "". Without a path it prints the count 0. Unknown objects of --to are an error.
func (c *reachCmd) inbound(ctx context.Context, std *streams, s *reach.Search) (found int, cut string, err error) {
	targets, err := c.targets(s)
	if err != nil {
		return 0, "", err
	}
	list, cut, err := s.Inbound(ctx, targets)
	if err != nil {
		return 0, "", err
	}
	if c.JSON {
		return len(list), cut, printLines(std, list)
	}
	var b strings.Builder
	verb := "reach"
	if len(list) == 1 {
		verb = "reaches"
	}
	object := s.Objects[targets[0]].Path
	if len(targets) > 1 { // each path ends with the one that it is about
		object = c.To
	}
	fmt.Fprintf(&b, "%d of %s %s %s\n", len(list), count(len(s.Directory.Principals), "user", "users"), verb,
		inLine(object))
	for _, r := range list {
		fmt.Fprintf(&b, "\n%s in %s\n", std.paint(bold, inLine(r.Who)), count(len(r.Steps), "step", "steps"))
		for i := range r.Steps {
			writeStep(&b, std, i+1, &r.Steps[i])
		}
	}
	_, err = fmt.Fprint(std.out, b.String())
	return len(list), cut, err
}

// printLines writes the results of a search as JSON, a line for each and none for an empty list. It stops at the
// first error.
func printLines[T any](std *streams, list []T) error {
	e := json.NewEncoder(std.out)
	e.SetEscapeHTML(false)
	for _, v := range list {
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// read reads the objects into s. failed has the number of unreadable objects and the first error, or is nil. Wrong
// flags, an unreadable file, an interrupt and more than maxObjects objects are errors. If no object of a directory
// has a SID, a note goes to standard error.
func (c *reachCmd) read(std *streams, s *reach.Search) (failed, err error) {
	typ, err := objectType(c.Type)
	if err != nil {
		return nil, err
	}
	c.naming = s.Directory
	in, err := c.open(std, c.Paths)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.close() }() // only read
	ctx, cancel := interrupted()
	defer cancel()
	bad, accounts, directory := 0, 0, 0
	err = objects.All(ctx, in.source, s.Directory.Domain, typ, func(i objects.Item) bool {
		if i.Err != nil {
			if bad++; bad == 1 {
				failed = objects.AddPath(i.Path, i.Err)
			}
			return true
		}
		if i.Type == winnt.DirectoryServiceObject {
			directory++
		}
		if i.Entry.Account() {
			accounts++
		}
		s.Objects = append(s.Objects, i)
		return len(s.Objects) <= maxObjects
	})
	switch {
	case err != nil:
		return nil, err
	case len(s.Objects) > maxObjects:
		return nil, fmt.Errorf("there are more than %d objects", maxObjects)
	case bad > 0:
		failed = fmt.Errorf("%d of %d objects could not be read; the first: %w", bad, bad+len(s.Objects), failed)
	}
	if directory > 0 && accounts == 0 {
		fmt.Fprintln(std.err, "refmon: no object has a SID, so every path has one step: "+
			"export objectSid and objectClass too")
	}
	return failed, nil
}

// targets returns the indexes of the objects that --to names (U-119). It is an error if there is none. Names match in
// any case; several objects may have one name.
func (c *reachCmd) targets(s *reach.Search) (list []int, err error) {
	name := objects.NewName(c.To, s.Directory)
	for i := range s.Objects {
		if o := &s.Objects[i]; name.Is(o.Path, o.Entry) || strings.EqualFold(o.Path, c.To) {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		if isAccount(s.Directory.Clone(), c.To) { // FindOrAdd adds accounts
			return nil, fmt.Errorf("--to %q: this is an account, but %s has no object of it: export the object with its "+
				"nTSecurityDescriptor", c.To, cmp.Or(c.Objects, "the input"))
		}
		return nil, fmt.Errorf("--to %w", name.NotFound())
	}
	return list, nil
}

// isAccount reports whether a name is a SID, or that of an account of the directory, or a well-known one, also of its
// domain. A well-known number of the domain counts if the directory knows its domain. d may get a new principal.
func isAccount(d *directory.Directory, name string) bool {
	if _, _, err := d.FindOrAdd(name); err == nil || d.Account(name) != nil {
		return true
	}
	if _, err := sid.Resolve(name, d.Domain); err == nil { // a SID or an alias, also of a disabled user
		return true
	}
	for rid := uint32(498); rid < 600 && !d.Domain.IsZero(); rid++ { // the well-known RIDs of a domain
		if strings.EqualFold(sid.Name(d.Domain.WithRID(rid)), name) {
			return true
		}
	}
	return false
}

// print writes the paths that a search found to standard output, as text or as one line of JSON for each. Without a
// path the JSON form writes no line. The text then says so if --to names an object.
func (c *reachCmd) print(std *streams, s *reach.Search, paths []reach.Path) error {
	if c.JSON {
		return printLines(std, paths)
	}
	who := inLine(s.Directory.Principals[s.From].Name)
	var b strings.Builder
	if c.To != "" {
		if len(paths) == 0 {
			fmt.Fprintf(&b, "%s does not reach %s\n", who, inLine(c.To))
		}
	} else {
		fmt.Fprintf(&b, "%s reaches %d of %s\n", who, len(paths), count(len(s.Objects), "object", "objects"))
	}
	for _, p := range paths {
		fmt.Fprintf(&b, "\n%s in %s\n", std.paint(bold, inLine(p.Object)), count(len(p.Steps), "step", "steps"))
		for i := range p.Steps {
			writeStep(&b, std, i+1, &p.Steps[i])
		}
	}
	_, err := fmt.Fprint(std.out, strings.TrimPrefix(b.String(), "\n"))
	return err
}

// writeStep appends step n of an attack path to the text output: who uses which right on which object, and below it
// the ACEs that grant the right. Lines are folded to the terminal's width.
func writeStep(b *strings.Builder, std *streams, n int, s *reach.Step) {
	who := s.Who
	if len(s.Joined) > 0 {
		who += " (in " + strings.Join(s.Joined, " and ") + ")"
	}
	// The colour comes after the lines are broken, because its codes have no columns.
	number := strconv.Itoa(n)
	head := std.folded(inLine(number+"  "+who+": "+s.Right+" on "+s.Object), max(4-len(number), 0))
	b.WriteString(strings.Replace(head, ": "+s.Right, ": "+std.paint(green, s.Right), 1))
	by := "by " + strings.Join(s.By, " and ")
	if s.Then != "" {
		by += ", and as the owner " + s.Then
	}
	if s.Gives != "" {
		by += "; then " + s.Gives
	}
	b.WriteString(std.folded(inLine(by), 6))
}
