package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/cli/lint"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// question holds the arguments of why and check, which describe one access check: one descriptor, one token, one
// mask.
type question struct {
	SDDL           string   `arg:"" optional:"" name:"sddl" help:"The object's descriptor in SDDL, hex or base64."`
	Token          string   `help:"${questionToken}" placeholder:"FILE" short:"t"`
	Directory      []string `help:"${namesIn}" placeholder:"FILE" short:"d" sep:"none"`
	Want           string   `help:"${questionWant}" placeholder:"RIGHTS" short:"w"`
	Type           string   `help:"${type}" default:"file" placeholder:"TYPE"`
	Self           string   `help:"SID for PRINCIPAL SELF (PS)." placeholder:"SID"`
	objectTypeFlag `embed:""`
	Call           string `help:"${call}" default:"SeAccessCheck" placeholder:"NAME"`

	caller *token.Token         // nil: that of Token
	people *directory.Directory // names of accounts in the descriptor; nil: well-known names only
}

// setFlags returns the flags that are set, sorted and joined by ", "; "" if none is.
func setFlags(flags map[string]bool) string {
	var names []string
	for name, set := range flags {
		if set {
			names = append(names, "--"+name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// ask builds the query that the command line describes: descriptor, token, rights and options. "-" names standard
// input. A missing or malformed argument and an unreadable file are errors. Missing arguments are reported before any
// file is read.
func (c *question) ask(std *streams) (*accessquery.Query, error) {
	who := "--token FILE, the caller"
	if looksLikePath(c.SDDL) {
		who = "--as USER, the caller: refmon why " + shellWord(inLine(c.SDDL)) + " --as USER"
	}
	for _, arg := range []struct {
		missing bool
		what    string
	}{
		{c.SDDL == "", "a security descriptor in SDDL, such as 'O:BAG:SYD:(A;;FR;;;WD)'"},
		{c.Token == "" && c.caller == nil, who},
		{c.Want == "", "--want RIGHTS, such as FR or FILE_READ_DATA"},
	} {
		if arg.missing {
			return nil, fmt.Errorf("missing argument: %s", arg.what)
		}
	}
	t, domain, err := c.tokenAndNames(std)
	if err != nil {
		return nil, err
	}
	q := new(accessquery.Query)
	r := &q.Request
	r.Descriptor, err = (&sddlCmd{Text: c.SDDL, people: c.people}).parse(std, domain)
	switch {
	case err != nil && looksLikePath(c.SDDL): // suggest refmon access, which accepts paths (U-115)
		return nil, fmt.Errorf("%s is a path, but this argument is a descriptor; for a file or an object run "+
			"refmon access %[1]s --as USER --want %s --directory FILE, or for a user of this host refmon why %[1]s --as USER",
			printable(c.SDDL), inLine(c.Want))
	case err != nil:
		return nil, err
	}
	if r.Type, err = objectType(c.Type); err != nil {
		return nil, err
	}
	queries, err := c.queries(c.Want, r.Type)
	if err != nil {
		return nil, err
	}
	if c.Self != "" {
		if r.Self, err = sid.Resolve(c.Self, domain); err != nil {
			return nil, fmt.Errorf("--self: %w", err)
		}
	}
	var ok bool
	if q.Call, ok = accessquery.ParseCall(c.Call); !ok {
		return nil, fmt.Errorf("--call %s: want SeAccessCheck or NtAccessCheck", inLine(c.Call))
	}
	r.Subject = accessquery.SubjectFor(t, q.Call)
	if accessquery.LacksDACL(r.Descriptor) {
		fmt.Fprintln(std.err, "refmon: note: "+accessquery.NoDACL)
	}
	if r.Type != winnt.DirectoryServiceObject && lint.OfDirectory(r.Descriptor) {
		fmt.Fprintln(std.err, "refmon: note: this is the descriptor of an object of a directory: its rights have other "+
			"names and meanings with --type directoryService")
	}
	noteTyped(std, r.Descriptor, queries)
	return q, q.Choose(queries)
}

// tokenAndNames reads the token and the directory. The domain resolves aliases such as DU: it is the user's, else the
// directory's. A directory that was read stays in c.people.
func (c *question) tokenAndNames(std *streams) (t *token.Token, domain sid.SID, err error) {
	if t = c.caller; t == nil {
		if t, err = std.readToken(c.Token); err != nil {
			return nil, domain, err
		}
	}
	if c.people == nil && len(c.Directory) > 0 {
		if c.people, err = (&directoryFlags{Directory: c.Directory}).readPeople(std); err != nil {
			return nil, domain, err
		}
	}
	if domain = accessquery.UserDomain(t); domain.IsZero() && c.people != nil {
		domain = c.people.Domain
	}
	return t, domain, nil
}

// isDescriptor reports whether an argument is a security descriptor and not a path: SDDL, its bytes, or the lines of
// another command's output.
func isDescriptor(text string) bool {
	// A path on Unix may have a line feed, too.
	lines := strings.Contains(strings.TrimSpace(text), "\n") && !looksLikePath(text)
	return lint.IsText(text) || isHex(text) || inBytes(text) || lines
}

// looksLikePath reports whether a text is a file name and not a descriptor: an existing file, or text that starts
// like a path.
func looksLikePath(text string) bool {
	if lint.IsText(text) || inBytes(text) {
		return false
	}
	_, err := os.Lstat(text)
	return err == nil || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./")
}

// queries parses the rights want of an object of type t and returns them with the object types of the flags. An unknown
// right or type is an error, and so is a right of directory objects on another type. Rights that one query cannot hold
// are an error, except those of control.
func (c *objectTypeFlag) queries(want string, t *winnt.ObjectType) ([]words.Query, error) {
	chains, err := c.chains()
	if err != nil {
		return nil, err
	}
	rights, err := words.Parse(want)
	if err != nil {
		return nil, fmt.Errorf("--want: %w", err)
	}
	queries, err := words.Queries(rights, chains, t)
	if err != nil {
		return nil, fmt.Errorf("--want: %w", err)
	}
	return queries, nil
}

// verdict returns the command's result for a decision: nil if allowed, otherwise errDenied.
func verdict(allowed bool) error {
	if allowed {
		return nil
	}
	return errDenied
}

// printJSON prints the answer in the batch format and returns its verdict. id is JSON, nil for null. An error of the
// output comes before the verdict.
func printJSON(std *streams, q *accessquery.Query, a *accessquery.Answer, id []byte) error {
	line, err := batch.AppendAnswer(nil, id, q, a)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(std.out, "%s\n", line); err != nil {
		return err
	}
	return verdict(a.Allowed())
}
