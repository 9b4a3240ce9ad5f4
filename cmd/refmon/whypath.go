package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/winnt"
)

// reading is the access that a mount requests for a program that opens a file for reading.
const reading = winnt.FILE_READ_DATA | winnt.SYNCHRONIZE

// pathQuestion is the question what a user may do with a file, whose descriptors were read. list goes from the root
// of the tree to the file.
type pathQuestion struct {
	list    []stored
	user    *whyUser
	queries []words.Query // one of them must be granted
	want    winnt.AccessMask
	request fileaccess.Request
	facts   fileaccess.Facts
	note    string // about other kinds of logon, or unknown claims; "": none
}

// ofPath explains what a user may do with a file, by the descriptors along its path. Without --want it asks about
// reading. It returns errDenied for a denial. Flags about a single descriptor, such as --token, are errors.
func (c *whyCmd) ofPath(std *streams) error {
	if c.SDDL == "" {
		return errors.New("--as needs the path of a file, such as refmon why /srv/share/plan --as bob")
	}
	if c.Token != "" || c.Certificate != "" || c.Self != "" || len(c.ObjectType) > 0 || c.Call != "SeAccessCheck" {
		return errors.New("--token, --certificate, --self, --object-type and --call are about a descriptor, and --as is " +
			"about a file: refmon acl get PATH prints its descriptor")
	}
	q := &pathQuestion{}
	var err error
	var done func()
	q.user, done, err = c.user(std)
	defer done()
	if err != nil {
		return err
	}
	if q.list, err = c.chain(c.SDDL); err != nil {
		return err
	}
	q.queries = []words.Query{{Desired: reading}}
	if c.Want != "" {
		rights, err := words.Parse(c.Want)
		if err != nil {
			return fmt.Errorf("--want: %w", err)
		}
		if q.queries, err = words.Queries(rights, nil, q.typ()); err != nil {
			return fmt.Errorf("--want: %w", err)
		}
	}
	if err := c.choose(q, access.SubjectOf(q.user.token)); err != nil {
		return err
	}
	if q.note, err = c.noteKinds(q); err != nil {
		return err
	}
	return q.answer(std, c.JSON)
}

// choose makes q the question of a subject for the first of q.queries that is granted, else for the first. An unread
// descriptor that could change the decision is an error.
func (c *whyCmd) choose(q *pathQuestion, subject access.Subject) error {
	for _, x := range slices.Concat(q.queries, q.queries[:1]) { // either right of control is enough (B-2)
		q.want = x.Desired
		// The stored descriptors decide as on a mount (B-24).
		q.request, q.facts = c.opening(q.list, subject, q.want)
		if err := complete(q.list, &q.request, &q.facts); err != nil {
			return err
		}
		if o := accessquery.ExplainOpen(&q.request, &q.facts); o.Allowed() {
			return nil
		}
	}
	return nil
}

// noteKinds returns the note about the kinds of logon after which the decision differs. For a user of refmond, whose
// other tokens are unknown, it returns the one about claims. "" means that there is nothing to note.
func (c *whyCmd) noteKinds(q *pathQuestion) (string, error) {
	if q.user.after == nil {
		return q.noteClaims(), nil
	}
	var people directory.Directory
	depends := func(s stored) bool { return people.DependsOnKind(s.descriptor) }
	if !slices.ContainsFunc(q.list, depends) {
		return "", nil
	}
	own := accessquery.ExplainOpen(&q.request, &q.facts)
	return noteKinds(outcome{own.Allowed(), own.Granted}, func(k logon.Kind) (outcome, error) {
		t, err := q.user.after(k)
		if err != nil {
			return outcome{}, err
		}
		other := *q
		if err := c.choose(&other, access.SubjectOf(t)); err != nil {
			return outcome{}, err
		}
		o := accessquery.ExplainOpen(&other.request, &other.facts)
		return outcome{o.Allowed(), o.Granted}, nil
	})
}

// file returns the file that the question is about, the last one of the list.
func (q *pathQuestion) file() *stored { return &q.list[len(q.list)-1] }

// typ returns the object type of the question's path: file or directory.
func (q *pathQuestion) typ() *winnt.ObjectType { return typeOfFile(q.file().directory) }

// typeOfFile returns the object type of directories or of files. They share the mapping and differ in the names
// of rights.
func typeOfFile(directory bool) *winnt.ObjectType {
	if directory {
		return winnt.DirectoryFileObject
	}
	return winnt.FileObject
}

// answer decides as the mount does and prints the decision with the entries of the file or directory that decided. It
// returns errDenied for a denial. With asJSON it prints no entries.
func (q *pathQuestion) answer(std *streams, asJSON bool) error {
	o := accessquery.ExplainOpen(&q.request, &q.facts)
	decider := q.file()
	if o.Component >= 0 {
		decider = &q.list[o.Component+1]
	}
	if asJSON {
		return printOpen(std, &o, decider, q.note)
	}
	mark, word := access.Denied, "DENIED "+o.Status().String()
	if o.Allowed() {
		mark, word = access.Granted, "GRANTED"
	}
	want := q.typ().Mapping.Map(q.want)
	text := word + ": " + inLine(q.user.name) + " asks " + inLine(q.file().path) + " for " +
		words.Names(want, want, q.typ())
	if o.Rule != "" {
		text += " (" + o.Rule + ")"
	}
	text = strings.Replace(std.folded(text, 0), word, std.marked(mark, word), 1)
	if decider != q.file() {
		text += "The directory " + inLine(decider.path) + " decides: the user may not pass it.\n"
	}
	text += noteText(q.note)
	for _, line := range o.Limits(true) {
		text += "  " + inLine(line) + "\n"
	}
	if _, err := fmt.Fprintln(std.out, text); err != nil {
		return err
	}
	if err := q.entries(std, decider, &o); err != nil {
		return err
	}
	return verdict(o.Allowed())
}

// printOpen prints the decision in the batch format, with the path of the file or directory that decided as id. A note
// for people is added unless it is empty. It returns errDenied for a denial.
func printOpen(std *streams, o *accessquery.Open, decider *stored, note string) error {
	type step struct {
		Rule    string `json:"rule"`
		ACE     *int   `json:"ace"`
		Bits    string `json:"bits"`
		Because string `json:"because"`
	}
	steps := []step{}
	if o.Why != nil {
		for i := range o.Why.Steps {
			s := &o.Why.Steps[i]
			var ace *int
			if s.ACE >= 0 {
				ace = &s.ACE
			}
			steps = append(steps, step{s.Rule, ace, s.Bits.Padded(), s.Because})
		}
	}
	for _, line := range o.Limits(false) {
		steps = append(steps, step{o.Rule, nil, winnt.AccessMask(0).Padded(), line})
	}
	line, err := json.Marshal(struct {
		ID      string `json:"id"`
		Status  string `json:"status"`
		Granted string `json:"granted"`
		Why     []step `json:"why"`
		Note    string `json:"note,omitempty"`
	}{decider.path, o.Status().String(), o.Granted.Padded(), steps, note})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(std.out, "%s\n", line); err != nil {
		return err
	}
	return verdict(o.Allowed())
}

// marked returns a text in green for Granted, and in red otherwise.
func (s *streams) marked(m access.Mark, text string) string {
	if m == access.Granted {
		return s.paint(green, text)
	}
	return s.paint(red, text)
}
