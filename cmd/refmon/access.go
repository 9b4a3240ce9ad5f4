package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/host"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// accessCmd holds the arguments and flags of refmon access.
type accessCmd struct {
	Paths          []string      `arg:"" name:"path" help:"Paths of files, or with --objects names of its objects."`
	As             string        `help:"${as}" placeholder:"WHO"`
	Want           string        `help:"${accessWant}" placeholder:"RIGHTS" short:"w"`
	opens          bool          // Want was not given
	asked          []words.Query // of Want, of which one must be granted
	objectsFlags   `embed:""`
	traverseFlag   `embed:""`
	directoryFlags `embed:""`
	shareFlag      `embed:""`
	objectTypeFlag `embed:""`
	JSON           bool `name:"json" help:"${json}" xor:"form"`
	Quiet          bool `help:"Print nothing: the exit code is the answer." short:"q" xor:"form"`
}

// Help returns the long text of --help for refmon access.
func (accessCmd) Help() string {
	return `Explains what a user may do with an object, and which entry decides. It is refmon why with the descriptor of
a file and the token of a user of the directory. For several objects, each explanation follows its path.

  refmon access /srv/share/plan.docx --as alice --want read -d company.yaml
  refmon access /srv/share/plan.docx --as alice -d company.yaml \
    --objects acls.jsonl --want write
  refmon access carla --as helen --want ResetPassword -o ad.ldif -d ad.ldif -q

With --objects, name the object by path, distinguished name, sAMAccountName, user principal name or SID. -q prints
nothing on standard output.

With --share the command checks the share's descriptor too, and both must grant. The first line names the one that
denies. For a section of smb.conf the command also prints each list of users that decides, and checks the object for
the forced user.

With --traverse host, the default for paths, the user needs the host's search permission on every folder above the
object, as with smbd. The command prints the first folder that refuses. With --traverse never, and for rows of
--objects, only the object's descriptor decides.

Without --want the command tests the rights that opening a file for reading needs. For a denial it also lists the
smallest changes that would grant the request, as refmon why does, and ends with the reason in one sentence.

The exit code is 0 if access is granted, 1 if it is denied for one object or more, 2 after an error.`
}

// Run explains the decision about each object. It returns errDenied if one is denied, after it explained all, and stops
// at any other error. Without --want it asks for reading. --quiet prints nothing. --json with --share and several paths
// is an error.
func (c *accessCmd) Run(std *streams) error {
	if c.Quiet {
		silent := *std
		silent.out = io.Discard
		std = &silent
	}
	err := c.fromObjects(std, &c.objectsFlags)
	if err == nil && len(c.Paths) > 1 {
		err = std.pipe(c.Objects).keep() // the input is read again for each object
	}
	if err != nil {
		return err
	}
	c.who = c.As
	// Everyone and the like are the same wherever they ask.
	dir := &directory.Directory{}
	if len(c.Directory)+len(c.Token) > 0 || c.As == "" {
		dir, err = c.directory(std)
	} else {
		dir, err = c.loggedOn(dir)
	}
	if err != nil {
		return err
	}
	who, err := c.principal(std, dir)
	if err != nil {
		return err
	}
	typ, err := objectType(c.Type)
	if err != nil {
		return err
	}
	c.opens = c.Want == ""
	if c.opens {
		c.Want = "FILE_READ_DATA|SYNCHRONIZE"
	}
	if err := c.traverseFlag.choose(&c.objectsFlags); err != nil {
		return err
	}
	gate, err := c.gate(std)
	if err != nil {
		return err
	}
	if len(c.Paths) > 1 && c.JSON && len(c.Share) > 0 {
		return errors.New("--json with --share is about one object: give one path")
	}
	var denied error
	for _, path := range c.Paths {
		switch err := c.one(std, gate, dir, typ, who, path); {
		case errors.Is(err, errDenied):
			denied = err
		case err != nil:
			return err
		}
	}
	return denied
}

// one prints the explained decision about one object. It returns errDenied for a denial. An unknown object is an
// error, and so is a missing --want for anything but a file. Without --objects, only path is looked up, without
// --recurse.
func (c *accessCmd) one(std *streams, gate *gate, dir *directory.Directory, typ *winnt.ObjectType, who int,
	path string) error {
	var paths []string
	if c.Objects == "" {
		paths, c.Recurse = []string{path}, false
	}
	paths = gate.objects(&c.objectsFlags, paths)
	item, err := c.find(std, dir, typ, path, paths)
	if err != nil {
		return err
	}
	if item.Note != 0 && item.Note != objects.NoteNoOwner && item.Note != objects.NoteCollected {
		// open has printed the other notes.
		fmt.Fprintf(std.err, "refmon: %s: %s\n", inLine(item.Path), item.Note)
	}
	// Only a file has default rights (B-102).
	if c.opens && item.Type != winnt.FileObject && item.Type != winnt.DirectoryFileObject {
		return fmt.Errorf("%s: --want RIGHTS is missing, such as read or ResetPassword; MAXIMUM_ALLOWED asks for all there "+
			"is", inLine(item.Path))
	}
	if c.asked, err = c.queries(c.Want, item.Type); err != nil {
		return err
	}
	q := &accessquery.Query{Explain: true, Request: access.Request{Descriptor: item.Descriptor, Type: item.Type,
		Subject: access.SubjectOf(dir.Principals[who].Token)}}
	if item.Entry != nil { // PRINCIPAL SELF is the object's own SID
		q.Request.Self = item.Entry.SID
		c.asked = words.OfClass(c.asked, item.Entry.Classes)
	}
	noteTyped(std, item.Descriptor, c.asked)
	noteUnreadable(std, append([]string{c.Want}, c.ObjectType...))
	var sum bulk.Summary
	if sum.Observe(item.Type, item.Entry, item.Path); sum.Classless > 0 {
		fmt.Fprintf(std.err, "refmon: %s: %s\n", inLine(item.Path), bulk.NoClass)
	}
	if err := choose(gate, dir, who, q, c.asked); err != nil {
		return err
	}
	return c.answer(std, gate, dir, who, path, q)
}

// answer decides about the share, if any, and the object, and prints both decisions. It returns errDenied if either
// denies access. If a folder on the path refuses the user, only that refusal is printed. With several paths, each
// result begins with its path.
func (c *accessCmd) answer(std *streams, gate *gate, dir *directory.Directory, who int, path string,
	q *accessquery.Query) error {
	var err error
	if q.Note, err = c.noteKinds(gate, dir, who, q); err != nil {
		return err
	}
	var id []byte // nil for a single object, whose output does not name it
	if len(c.Paths) > 1 {
		if id = strict.AppendString(nil, path); !c.JSON {
			fmt.Fprintf(std.out, "%s\n", std.paint(bold, inLine(path)+":"))
		}
	}
	_, guard, share, err := gate.before(std, dir)
	switch {
	case err != nil:
		return err
	case guard != nil:
		return c.guarded(std, guard, dir, who, q, path)
	}
	if err := c.refusedOnTheWay(std, q.Request.Subject, path, id); err != nil {
		return err
	}
	if share != nil {
		return c.both(std, dir, share, q)
	}
	a, err := q.Ask()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, q, &a, id)
	}
	nameOf := namesOf(dir)
	text := std.shown(a.Why, nameOf) + printable(std.typesOf(q.Request.Descriptor, a.Why)) + noteText(q.Note)
	if _, err := fmt.Fprint(std.out, text); err != nil {
		return err
	}
	if a.Why != nil && !a.Allowed() {
		if err := printChanges(std, decided(q), nameOf, dir); err != nil {
			return err
		}
	}
	if err := std.printNames(q.Request.Descriptor, q.Request.Subject.Effective().User().SID, nameOf); err != nil {
		return err
	}
	if err := std.denied(&denial{want: c.Want, why: a.Why, request: &q.Request, nameOf: nameOf}); err != nil {
		return err
	}
	return verdict(a.Allowed())
}

// find reads the object that a path names, from the file system or from the objects file. No such object, and
// several, are errors. Without --objects the path is compared as it is written. A malformed --want is an error.
func (c *accessCmd) find(std *streams, d *directory.Directory, t *winnt.ObjectType, path string,
	paths []string) (i objects.Item, err error) {
	rights, err := words.Parse(c.Want)
	if err != nil {
		return i, fmt.Errorf("--want: %w", err)
	}
	c.naming = d
	in, err := c.open(std, paths)
	if err != nil {
		return i, err
	}
	defer func() { _ = in.close() }() // only read
	if err := in.choose(rights); err != nil {
		return i, err
	}
	name := &objects.Name{Text: path}
	if c.Objects != "" {
		name = objects.NewName(path, d)
	}
	if i, err = objects.Find(context.Background(), in.source, name, d.Domain, t); err != nil && i.Path != "" {
		err = fmt.Errorf("%s: %w", inLine(i.Path), err)
	}
	return i, err
}

// principal returns the index of the principal in --as. Without --as it returns 0; if the directory then has several
// users, that is an error. An unknown or ambiguous name is an error. A directory without users gives 0.
func (c *accessCmd) principal(std *streams, dir *directory.Directory) (int, error) {
	switch {
	case c.As == "" && len(dir.Principals) > 1:
		return 0, fmt.Errorf("--as WHO is missing: the directory has %d users", len(dir.Principals))
	case c.As == "":
		return 0, nil
	}
	who, err := asking(std, dir, c.who)
	if err != nil {
		return 0, fmt.Errorf("--as %w", err)
	}
	return who, nil
}

// namesOf returns a function that names SIDs for people: accounts of the directory, then well-known SIDs and those of
// this host. The function returns "" for a SID without a name. dir may be nil.
func namesOf(dir *directory.Directory) func(sid.SID) string {
	var host host.Names
	return func(s sid.SID) string {
		if dir != nil && dir.Known(s) {
			return dir.Name(s)
		}
		return host.Of(s)
	}
}
