package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/lint"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// question holds what why and check ask about: one descriptor, one token, one mask.
type question struct {
	SDDL           string `arg:"" optional:"" name:"sddl" help:"The object's security descriptor in SDDL."`
	Token          string `help:"${questionToken}" placeholder:"FILE" short:"t"`
	Want           string `help:"${questionWant}" placeholder:"RIGHTS" short:"w"`
	Type           string `help:"${type}" default:"file" placeholder:"TYPE"`
	Self           string `help:"SID that PRINCIPAL SELF (PS) stands for." placeholder:"SID"`
	objectTypeFlag `embed:""`
	Call           string `help:"${call}" default:"SeAccessCheck" placeholder:"NAME"`
}

// ask makes a question of the arguments.
func (c *question) ask(std *streams) (*batch.Question, error) {
	for _, missing := range []struct{ value, what string }{
		{c.SDDL, "a security descriptor in SDDL, such as 'O:BAG:SYD:(A;;FR;;;WD)'"},
		{c.Token, "--token FILE, who asks"},
		{c.Want, "--want RIGHTS, such as FR or FILE_READ_DATA"},
	} {
		if missing.value == "" {
			return nil, fmt.Errorf("the question lacks %s", missing.what)
		}
	}
	t, err := std.readToken(c.Token)
	if err != nil {
		return nil, err
	}
	domain := batch.UserDomain(t)
	q := new(batch.Question)
	r := &q.Request
	r.Descriptor, err = sddl.Parse(c.SDDL, sddl.Options{Domain: domain})
	switch {
	case err != nil && looksLikePath(c.SDDL): // access takes paths (U-115)
		return nil, fmt.Errorf("%s is a path, and a descriptor is wanted here; of a file or an object ask "+
			"refmon access %[1]s --as USER --want %s --directory FILE", printable(c.SDDL), printable(c.Want))
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
	if q.Call, ok = batch.ParseCall(c.Call); !ok {
		return nil, fmt.Errorf("--call %s: want SeAccessCheck or NtAccessCheck", printable(c.Call))
	}
	r.Subject = batch.SubjectFor(t, q.Call)
	if batch.LacksDACL(r.Descriptor) {
		fmt.Fprintln(std.err, "refmon: note: "+batch.NoDACL)
	}
	noteTyped(std, r.Descriptor, queries)
	return q, q.Choose(queries)
}

// looksLikePath reports whether a text is no descriptor but the name of a file: one that is
// there, or one that begins as a path does.
func looksLikePath(text string) bool {
	if lint.IsText(text) {
		return false
	}
	_, err := os.Lstat(text)
	return err == nil || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./")
}

// queries returns rights and the object types that they are asked about.
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

// verdict returns the exit of a verb whose answer is yes or no.
func verdict(allowed bool) error {
	if allowed {
		return nil
	}
	return errDenied
}

// printJSON prints the answer in the batch format and returns its verdict. id is JSON, nil for
// none.
func printJSON(std *streams, q *batch.Question, a *batch.Answered, id []byte) error {
	line, err := q.AppendAnswer(nil, id, a)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(std.out, "%s\n", line); err != nil {
		return err
	}
	return verdict(a.Allowed())
}
