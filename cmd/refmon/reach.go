package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

type reachCmd struct {
	Who            string   `arg:"" help:"${who}"`
	Paths          []string `arg:"" optional:"" name:"path" help:"${paths}"`
	objectsFlags   `embed:""`
	directoryFlags `embed:""`
	To             string `help:"${to}" placeholder:"OBJECT"`
	MaxDepth       int    `help:"Maximum number of steps of a path." default:"256" placeholder:"N"`
	Joined         int    `help:"${joined}" default:"1" placeholder:"N"`
	BlockOwner     bool   `name:"block-owner-implicit-rights" help:"${blockOwner}"`
	JSON           bool   `name:"json" help:"Print a line of JSON for each path."`
}

// Help returns the long help text.
func (reachCmd) Help() string {
	return `Lists the objects that a user can take control of step by step, each with a shortest path: accounts whose
password it may set, groups whose members it may change, objects whose rights it may change, and so on from there.
Below each step is the entry that grants it.

  refmon reach mallory -o ad.ldif -d ad.ldif
  refmon reach mallory -o ad.ldif -d company.yaml \
    --to 'CN=Domain Admins,CN=Users,DC=corp,DC=test'

Every step is an access check with the user's token at that point, so deny entries, their order, groups, conditions,
property sets and OWNER RIGHTS count. The SID of an object identifies it as an account or a group: export objectSid and
objectClass together with nTSecurityDescriptor (ldapsearch), or set "sid" in a line of JSON.

One of these rights on an account lets the user act as the account: GenericAll, WriteDacl, WriteOwner,
ForceChangePassword, AddKeyCredentialLink, AddAllowedToAct, WriteSPN, WriteAltSecurityIdentities, ReadGMSAPassword.

One of these rights on a group makes the user a member: GenericAll, WriteDacl, WriteOwner, AddMember, AddSelf.

Any other object is the end of a path. The rights that reach it are GenericAll, WriteDacl, WriteOwner, DCSync (on a
domain) and WriteGPLink (on a domain or organizational unit).

WriteOwner counts only if the owner then has a right. With --joined 2 a token may keep two groups that the user joined
on the way. This finds steps that need both groups, for example because of a condition or the two rights of DCSync.

The exit code is 0; with --to it is 1 if the object is not reached, 2 if the search ended before that was known.`
}

// maxObjects limits the objects in memory.
const maxObjects = 1 << 22

// Run searches.
func (c *reachCmd) Run(std *streams) error {
	s := reach.Search{MaxDepth: c.MaxDepth, MaxJoined: c.Joined, BlockOwner: c.BlockOwner}
	if c.MaxDepth < 1 || c.Joined < 1 {
		return errors.New("--max-depth and --joined: want a number from 1")
	}
	var err error
	if s.Directory, err = c.directory(std); err != nil {
		return err
	}
	if s.From, err = asking(std, s.Directory, c.Who); err != nil {
		return err
	}
	failed, err := c.read(std, &s)
	if err != nil {
		return err
	}
	ctx, cancel := interrupted()
	defer cancel()
	result, err := s.Do(ctx)
	if err != nil {
		return err
	}
	paths := result.Paths
	if c.To != "" {
		if paths, err = c.only(&s, paths); err != nil {
			return err
		}
	}
	if err := c.print(std, &s, paths); err != nil {
		return err
	}
	if result.Cut != "" {
		fmt.Fprintf(std.err, "refmon: the search ended %s: there may be more\n", result.Cut)
	}
	if failed != nil {
		fmt.Fprintf(std.err, "refmon: %s\n", printable(failed.Error()))
		return errReported
	}
	if c.To != "" {
		if len(paths) == 0 && result.Cut != "" {
			return errReported // it is not known
		}
		return verdict(len(paths) > 0)
	}
	return nil
}

// read reads the objects. failed has the number of unreadable ones and the first error, and is nil if all were read.
func (c *reachCmd) read(std *streams, s *reach.Search) (failed, err error) {
	typ, err := objectType(c.Type)
	if err != nil {
		return nil, err
	}
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
				failed = i.Err
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

// only returns the paths to the objects that --to names. It is an error if no object has that path or account.
func (c *reachCmd) only(s *reach.Search, paths []reach.Path) (out []reach.Path, err error) {
	named := map[string]bool{}
	for i := range s.Objects {
		o := &s.Objects[i]
		if strings.EqualFold(o.Path, c.To) || o.Entry.Account() && isNamed(s.Directory, o.Entry, c.To) {
			named[o.Path] = true
		}
	}
	if len(named) == 0 {
		return nil, fmt.Errorf("--to %q: no object has that path, and no object is the account of that name", c.To)
	}
	for _, p := range paths {
		if named[p.Object] {
			out = append(out, p)
		}
	}
	return out, nil
}

func isNamed(d *directory.Directory, e *objects.Entry, who string) bool {
	return strings.EqualFold(d.Name(e.SID), who) || e.SID.String() == who
}

// print prints the paths.
func (c *reachCmd) print(std *streams, s *reach.Search, paths []reach.Path) error {
	if c.JSON {
		e := json.NewEncoder(std.out)
		e.SetEscapeHTML(false)
		for _, p := range paths {
			if err := e.Encode(p); err != nil {
				return err
			}
		}
		return nil
	}
	who := printable(s.Directory.Principals[s.From].Name)
	var b strings.Builder
	if c.To != "" {
		if len(paths) == 0 {
			fmt.Fprintf(&b, "%s does not reach %s\n", who, printable(c.To))
		}
	} else {
		fmt.Fprintf(&b, "%s reaches %d of %s\n", who, len(paths), count(len(s.Objects), "object", "objects"))
	}
	for _, p := range paths {
		fmt.Fprintf(&b, "\n%s in %s\n", std.paint(bold, printable(p.Object)), count(len(p.Steps), "step", "steps"))
		for i := range p.Steps {
			writeStep(&b, std, i+1, &p.Steps[i])
		}
	}
	_, err := fmt.Fprint(std.out, strings.TrimPrefix(b.String(), "\n"))
	return err
}

// writeStep writes a step: the principal and the right, and below it the entries that grant the right.
func writeStep(b *strings.Builder, std *streams, n int, s *reach.Step) {
	who := s.Who
	if len(s.Joined) > 0 {
		who += " (in " + strings.Join(s.Joined, " and ") + ")"
	}
	right := s.Right
	fmt.Fprintf(b, "%4d  %s: %s on %s\n", n, printable(who), std.paint(green, right), printable(s.Object))
	fmt.Fprintf(b, "      by %s", printable(strings.Join(s.By, " and ")))
	if s.Then != "" {
		fmt.Fprintf(b, ", and as the owner %s", s.Then)
	}
	if s.Gives != "" {
		fmt.Fprintf(b, "; then %s", printable(s.Gives))
	}
	b.WriteByte('\n')
}
