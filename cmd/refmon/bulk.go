package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/idmaps"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/objects/sharphound"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/winnt"
)

// objectsFlags name the objects of a question: an objects file, or how to read the files at the paths.
type objectsFlags struct {
	Objects          string `help:"${objects}" placeholder:"FILE" short:"o"`
	Recurse          bool   `help:"Visit all descendants of the paths." short:"r"`
	IgnoreSystemACLs bool   `name:"ignore-system-acls" help:"${ignoreSystemACLs}"`
	Attribute        string `help:"${attribute}" placeholder:"NAME"`
	IDMaps           string `name:"id-maps" help:"${idMaps}" placeholder:"FILE"`
	Type             string `help:"Type of objects without their own: ${types}." default:"file" placeholder:"TYPE"`

	tree         tree.Options         // of choiceFlags and traverseFlag
	naming       *directory.Directory // names of accounts in the objects file; nil: well-known names only
	accountFiles []string             // directory files of a command without an objects file
}

// choiceFlags select some of the objects, by depth, kind or pattern.
type choiceFlags struct {
	Depth   *int     `help:"Visit at most N levels below the paths." placeholder:"N"`
	Only    string   `help:"Only directories (dirs), or only files (files)." placeholder:"KIND"`
	Exclude []string `help:"${exclude}" placeholder:"GLOB" sep:"none"`

	people *directory.Directory // of a command that takes names of objects in the objects file
	names  []*objects.Name      // nil: all objects
	rights []words.Right        // of the question; nil: any
}

// open opens the objects and applies the selection flags. Objects that state no type have the type typ. The caller
// closes the input. With an objects file, paths are names in that file. --depth implies --recurse and needs paths.
// in.chosen is true if anything is selected. Contradictory flags are an error.
func (c *choiceFlags) open(std *streams, o *objectsFlags, paths []string, typ *winnt.ObjectType) (*input, error) {
	choice := objects.Choice{Type: typ, Exclude: c.Exclude, Heads: c.onlyDCSync()}
	switch c.Only {
	case "":
	case "dirs":
		choice.Only = winnt.DirectoryFileObject
	case "files":
		choice.Only = winnt.FileObject
	default:
		return nil, fmt.Errorf("--only %q: want dirs or files", c.Only)
	}
	if err := choice.Exclude.Check(); err != nil {
		return nil, fmt.Errorf("--exclude: %w", err)
	}
	switch {
	case c.Depth != nil && *c.Depth < 1: // 0 would mean no limit below
		return nil, errors.New("--depth: want a number from 1")
	case c.Depth != nil && o.Objects != "":
		return nil, errors.New("--depth requires paths: an objects file is always read completely")
	}
	if o.Objects == "" { // a path that is not visited costs nothing
		choice.Exclude = nil
	}
	o.tree.Exclude = c.Exclude
	if c.Depth != nil {
		o.tree.Depth, o.Recurse = *c.Depth, true
	}
	if o.Objects != "" && c.people != nil { // here a path is a name in the file (U-119)
		for _, path := range paths {
			c.names = append(c.names, objects.NewName(path, c.people))
		}
		paths, choice.Names = nil, c.names
	}
	if o.naming == nil {
		o.naming = c.people
	}
	in, err := o.open(std, paths)
	if err == nil && (choice.Only != nil || choice.Exclude != nil || choice.Names != nil || choice.Heads) {
		choice.LeftOut = in.leave
		in.source, in.chosen = objects.Choose(in.source, choice), true
	}
	if err == nil {
		in.extent.exclude = c.Exclude
	}
	return in, err
}

// directoryFlags name the principals of a question: directory files, and token files.
type directoryFlags struct {
	Directory []string `help:"${directory}" placeholder:"FILE" short:"d" sep:"none"`
	Token     []string `help:"${token}" placeholder:"FILE" short:"t" sep:"none"`
	Logon     string   `help:"${logon}" placeholder:"KIND"`

	who string // the account of the question; its distinguished name becomes its SID when the files are read
}

// objectTypeFlag limits a question to parts of a directory object, such as a property or an extended right.
type objectTypeFlag struct {
	ObjectType []string `help:"${objectType}" placeholder:"NAME|GUID"`
}

// chains returns the object types of --object-type as paths from the root of the object. An unknown name is an error.
func (c *objectTypeFlag) chains() ([][]winnt.GUID, error) {
	chains, err := words.Chains(c.ObjectType)
	if err != nil {
		return nil, fmt.Errorf("--object-type: %w", err)
	}
	return chains, nil
}

// directory reads the principals of the directory and token files. A token's principal is named after its user or
// file. It is an error if there are no principals, if a token cannot open objects, or if no directory user can log on
// and there is no token.
func (c *directoryFlags) directory(std *streams) (*directory.Directory, error) {
	if len(c.Directory) == 0 && len(c.Token) == 0 {
		return nil, errors.New("no principals: give --directory FILE (users and groups, such as /etc/passwd, LDIF, " +
			"BloodHound's zip or a file of refmon directory from), or --token FILE")
	}
	d, err := c.readPeople(std)
	if err != nil {
		return nil, err
	}
	if d, err = c.loggedOn(d); err != nil {
		return nil, err
	}
	for _, name := range c.Token {
		t, err := std.readToken(name)
		if err != nil {
			return nil, err
		}
		if t.Type() == winnt.TokenImpersonation && t.Level() < winnt.SecurityImpersonation {
			return nil,
				fmt.Errorf("%s: an impersonation token at %v cannot open objects: give it the level Impersonation to ask "+
					"what its user can do", name, t.Level())
		}
		file := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
		d.Add(directory.Principal{Name: tokenName(name, file, t), Token: t})
	}
	if len(d.Principals) == 0 {
		return nil, fmt.Errorf("%s: the directory has no users that can log on",
			strings.Join(c.Directory, ", "))
	}
	return d, nil
}

// asking reads the principals by calling read, and returns the directory and the index of the account who in it.
// Besides the names of FindOrAdd that may be a distinguished name, which only some files have (U-119).
func (c *directoryFlags) asking(std *streams, who string, read func() (*directory.Directory, error)) (
	d *directory.Directory, index int, err error,
) {
	c.who = who
	if d, err = read(); err != nil {
		return nil, -1, err
	}
	index, err = asking(std, d, c.who)
	return d, index, err
}

// asking returns the index of the account who among the principals of d, which it adds if necessary. It prints an
// assumption of FindOrAdd to standard error. An unknown name is an error.
func asking(std *streams, d *directory.Directory, who string) (int, error) {
	i, note, err := d.FindOrAdd(who)
	if note != "" {
		fmt.Fprintf(std.err, "refmon: %s\n", printable(note))
	}
	return i, err
}

// open opens either the objects file or the paths. Both or neither are an error. So is --id-maps with an objects
// file. A single path that holds other objects' descriptors needs --recurse. The size is known for regular files
// only. The caller closes the input.
func (c *objectsFlags) open(std *streams, paths []string) (*input, error) {
	if err := c.absent(paths); err != nil {
		return nil, err
	}
	switch {
	case c.Objects == "" && len(paths) == 0:
		return nil, errors.New("the objects are missing: give paths, or --objects FILE, such as LDIF or the output of " +
			"refmon acl export")
	case c.Objects != "" && c.IDMaps != "":
		return nil, errors.New("--id-maps applies to files only: an objects file has SIDs")
	case c.Objects != "" && len(paths) > 0:
		return nil, errors.New("give either paths or --objects FILE, not both")
	case c.Objects == "" && len(paths) == 1 && !c.Recurse && source.Holds(paths[0]):
		return nil, fmt.Errorf("%s holds the descriptors of other objects: give it as --objects %s, "+
			"or add --recurse to ask about the file itself", paths[0], paths[0])
	case c.Objects == "":
		opt := c.tree
		opt.Recurse, opt.Attribute, opt.IgnoreSystemACLs = c.Recurse, c.Attribute, c.IgnoreSystemACLs
		var err error
		if opt.Accounts, err = c.accounts(); err != nil {
			return nil, err
		}
		x := extent{roots: map[string][]string{}, recurse: c.Recurse, depth: opt.Depth}
		for _, p := range paths {
			x.roots[cleanName(p)] = append(x.roots[cleanName(p)], p)
		}
		return &input{source: tree.Files(paths, opt), close: func() error { return nil }, extent: x}, nil
	}
	o := &input{}
	if p := std.pipe(c.Objects); p != nil {
		o.head = p.head
	}
	in, err := std.open(c.Objects)
	if err != nil {
		return nil, err
	}
	o.close = in.Close
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			o.size, o.modified, o.file = info.Size(), info.ModTime().UnixNano(), f
		}
	}
	if o.source, err = source.Open(c.Objects, in); err == nil {
		err = sharphound.Load(o.source)
	}
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", c.Objects, err)
	}
	c.named(std, o.source)
	o.ldif = ldif.Is(o.source)
	return o, nil
}

// accounts reads the file of --id-maps. It returns nil without the flag, and an error for a malformed file. It also
// reads /etc/subuid and /etc/subgid.
func (c *objectsFlags) accounts() (ntacl.Accounts, error) {
	if c.IDMaps == "" {
		return nil, nil
	}
	file, err := readBounded(openFile, c.IDMaps, maxAccountsFile)
	if err != nil {
		return nil, fmt.Errorf("--id-maps: %w", err)
	}
	who, err := idmaps.Read(file, idmaps.ReadSubIDs("/etc/subuid", "/etc/subgid"))
	if err != nil {
		return nil, fmt.Errorf("--id-maps %s: %w", c.IDMaps, err)
	}
	return who, nil
}

// interrupted returns a context that Ctrl-C and SIGTERM cancel. A second signal ends the program.
func interrupted() (context.Context, context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, cancel)
	return ctx, cancel
}

// maxUnlisted limits the unlisted accounts that standard error names. Rows of JSON name more.
const maxUnlisted = 5

// remark warns on standard error about answers of a run that are less certain, for example because of stale or
// unverified descriptors, and about what was left out. It prints nothing if there is no such answer.
func remark(std *streams, sum *bulk.Summary) {
	if sum.Stale > 0 {
		fmt.Fprintf(std.err,
			"refmon: of %d of %d objects the POSIX permissions were changed without the server (hash mismatch): "+
				"they decide instead of the attribute, as on the server%s\n",
			sum.Stale, sum.Objects, example("; the first: ", sum.FirstStale))
	}
	if sum.Passed > 0 {
		fmt.Fprintf(std.err, "refmon: nothing is granted on %d of %s, which are not listed: --nothing lists them\n",
			sum.Passed, count(sum.Objects, "object", "objects"))
	}
	if sum.NoDACL > 0 {
		fmt.Fprintf(std.err, "refmon: %d of %d descriptors have no D: part: no DACL limits access to their objects\n",
			sum.NoDACL, sum.Objects)
	}
	if sum.Typed > 0 {
		fmt.Fprintf(std.err, "refmon: %s\n", typedText(sum.TypedEntries, " of "+count(sum.Typed, "object", "objects")))
	}
	if len(sum.Unlisted) > 0 { // (B-117)
		text := bulk.UnlistedText(slices.Sorted(maps.Keys(sum.Unlisted)), maxUnlisted)
		fmt.Fprintf(std.err, "refmon: %s\n", printable(text))
	}
	if sum.Logons > 0 {
		fmt.Fprintf(std.err, "refmon: the answer for %d of %s depends on the kind of logon%s\n",
			sum.Logons, count(sum.Objects, "object", "objects"), example(", such as ", sum.FirstLogons))
	}
	if sum.Unmapped > 0 {
		fmt.Fprintf(std.err,
			"refmon: %s accounts of the server that are not in the directory file%s: "+
				"add uid to its users and gid to its groups\n", count(sum.Unmapped, "object names", "objects name"),
			example(", such as ", sum.FirstUnmapped))
	}
	if sum.Classless > 0 {
		fmt.Fprintf(std.err, "refmon: %s, such as %s: %s\n", count(sum.Classless, "object", "objects"),
			inLine(sum.FirstClassless), strings.ReplaceAll(bulk.NoClass, " of it:", ":"))
	}
	if sum.Unverified > 0 {
		fmt.Fprintf(std.err,
			"refmon: %d of %d objects have a hash that only their server can verify: their attributes were used "+
				"without that check\n", sum.Unverified, sum.Objects)
	}
}
