package expect

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/strictyaml"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// File is a file of expectations, ready to run.
type File struct {
	Descriptors []*Descriptor
	cases       []question

	domain     sid.SID
	principals map[string]*token.Token
	byName     map[string]*Descriptor
	open       func(name string) ([]byte, error)
	strict.Reader
	marks []strict.Mark
}

// Descriptor is what an expectation is about.
type Descriptor struct {
	Name string
	Line int
	SD   *sd.Descriptor
	Type *winnt.ObjectType
}

// question is one expectation about one principal and one descriptor.
type question struct {
	line    int
	name    string // of the case, if it has one
	who     string
	on      *Descriptor
	want    string
	ask     batch.Question
	granted bool
	why     []string
}

// MaxFile is the largest file, in bytes.
const MaxFile = 4 << 20

// maxCases is how many questions a file may ask, and how many names or entries a part may have.
const maxCases = 1 << 20

var (
	fileFields       = []string{"domain", "principals", "descriptors", "expect"}
	descriptorFields = []string{"sddl", "hex", "type"}
	caseFields       = []string{"name", "who", "on", "want", "is", "why", "self", "call"}
)

// Parse reads a file. open gives the token files that principals name. The error is an [*Error].
func Parse(text []byte, open func(name string) ([]byte, error)) (*File, error) {
	if len(text) > MaxFile {
		return nil, &Error{0, fmt.Sprintf("longer than %d bytes", MaxFile)}
	}
	json, marks, err := strictyaml.JSON(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, located(nil, nil, err)
	}
	f := &File{principals: map[string]*token.Token{}, byName: map[string]*Descriptor{}, open: open, marks: marks}
	f.Reader = strict.Reader{Scanner: strict.Scanner{Bytes: json}}
	if err := f.readParts(); err != nil {
		return nil, located(json, marks, err)
	}
	if len(f.cases) == 0 {
		return nil, &Error{0, "nothing to test: the file has no expect"}
	}
	return f, nil
}

// readParts reads the parts in the order of fileFields, whatever the order of the file.
func (f *File) readParts() error {
	var at [4]int
	err := f.Object(fileFields, func(i int) error {
		at[i] = f.Pos
		_, err := f.Raw()
		return err
	})
	if err != nil {
		return err
	}
	for i, read := range []func() error{f.readDomain, f.readPrincipals, f.readDescriptors, f.readCases} {
		if f.Pos = at[i]; f.Pos == 0 {
			continue
		}
		if err := read(); err != nil {
			return strict.Within(fileFields[i], err)
		}
	}
	return nil
}

func (f *File) readDomain() error {
	start := f.Pos
	text, err := f.Scalar()
	if err != nil {
		return err
	}
	if f.domain, err = sid.Parse(text); err != nil {
		return f.FailAt(start, "%v", err)
	}
	return nil
}

func (f *File) readPrincipals() error {
	return f.Map(func(name string) error {
		start := f.Pos
		var file []byte
		var err error
		if f.Peek() == '{' {
			file, err = f.tokenFile()
		} else {
			var from string
			if from, err = f.Scalar(); err == nil {
				if file, err = f.open(from); err != nil {
					err = f.FailAt(start, "%v", err)
				}
			}
		}
		if err != nil {
			return err
		}
		t, err := token.Parse(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")))
		if err != nil {
			return f.FailAt(start, "%v", err)
		}
		f.principals[name] = t
		return nil
	})
}

// tokenFile reads a principal that is written out. The domain of the file is the default for its own.
func (f *File) tokenFile() ([]byte, error) {
	own, start := f.domain.IsZero(), f.Pos
	err := f.Map(func(key string) error {
		own = own || key == "domain"
		_, err := f.Raw()
		return err
	})
	file := f.Bytes[start:f.Pos]
	if err != nil || own || len(file) <= len("{}") {
		return file, err
	}
	return fmt.Appendf(nil, `{"domain":%q,%s`, f.domain, file[1:]), nil
}

func (f *File) readDescriptors() error {
	return f.Map(func(name string) error {
		d := &Descriptor{Name: name, Line: strict.LineOf(f.Bytes, f.marks, f.Pos), Type: winnt.FileObject}
		if err := f.readDescriptor(d); err != nil {
			return err
		}
		f.Descriptors = append(f.Descriptors, d)
		f.byName[name] = d
		return nil
	})
}

func (f *File) readDescriptor(d *Descriptor) error {
	f.Peek()
	start := f.Pos
	var given [3]string // of descriptorFields
	var err error
	if f.Peek() != '{' {
		given[0], err = f.Scalar()
	} else {
		err = f.Object(descriptorFields, func(i int) (err error) {
			at := f.Pos
			if given[i], err = f.Scalar(); err != nil || i < 2 {
				return err
			}
			if d.Type = winnt.ObjectTypeByName(given[i]); d.Type == nil {
				return f.FailAt(at, "no such type of object %q, want one of %s", given[i], batch.ObjectTypes)
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	text, digits := given[0], given[1]
	switch {
	case (text == "") == (digits == ""):
		err = errors.New("want either sddl or hex")
	case digits != "":
		var b []byte
		if b, err = hex.DecodeString(digits); err == nil {
			d.SD, err = sd.Decode(b)
		}
	default:
		d.SD, err = sddl.Parse(text, sddl.Options{Domain: f.domain, Extended: true})
	}
	if err != nil {
		return f.FailAt(start, "%v", err)
	}
	return nil
}

func (f *File) readCases() error {
	if f.Peek() != '[' {
		return f.Fail("want a list, each with %s", strings.Join(caseFields, ", "))
	}
	return f.Array(maxCases, func(int) error { return f.readCase() })
}

// expectation is a case as it is written.
type expectation struct {
	texts [8][]string // of caseFields
	at    [8]int      // where the field stands
}

// Fields of a case, in the order of caseFields.
const (
	cName = iota
	cWho
	cOn
	cWant
	cIs
	cWhy
	cSelf
	cCall
)

// readCase reads one expectation and multiplies it out: each of who on each of on.
func (f *File) readCase() error {
	var e expectation
	start := f.Pos
	err := f.Object(caseFields, func(i int) (err error) {
		e.at[i] = f.Pos
		if e.texts[i], err = f.texts(); err != nil {
			return err
		}
		if len(e.texts[i]) != 1 && i != cWho && i != cOn && i != cWhy {
			return f.FailAt(e.at[i], "want one value")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, need := range []int{cWho, cOn, cWant, cIs} {
		if len(e.texts[need]) == 0 {
			return f.FailAt(start+1, "the expectation lacks %q", caseFields[need])
		}
	}
	q := question{line: strict.LineOf(f.Bytes, f.marks, start+1), want: e.texts[cWant][0], why: e.texts[cWhy]}
	q.name = strings.Join(e.texts[cName], "")
	if err := f.ask(&q, &e); err != nil {
		return err
	}
	return f.multiply(q, &e)
}

// texts reads a text or a list of texts.
func (f *File) texts() (out []string, err error) {
	if f.Peek() != '[' {
		text, err := f.Scalar()
		return []string{text}, err
	}
	err = f.Array(maxCases, func(int) error {
		text, err := f.Scalar()
		out = append(out, text)
		return err
	})
	return out, err
}

// ask fills in what is asked, and what is expected.
func (f *File) ask(q *question, e *expectation) (err error) {
	failAt := func(i int, format string, args ...any) error {
		return strict.Within(caseFields[i], f.FailAt(e.at[i], format, args...))
	}
	switch is := e.texts[cIs][0]; is {
	case "granted", "denied":
		q.granted = is == "granted"
	default:
		return failAt(cIs, "%q, want granted or denied", is)
	}
	r := &q.ask.Request
	if r.Desired, err = sddl.ParseRights(q.want); err != nil {
		return failAt(cWant, "%v", err)
	}
	if s := e.texts[cSelf]; len(s) == 1 {
		if r.Self, err = sid.Resolve(s[0], f.domain); err != nil {
			return failAt(cSelf, "%v", err)
		}
	}
	if c := e.texts[cCall]; len(c) == 1 {
		var ok bool
		if q.ask.Call, ok = batch.ParseCall(c[0]); !ok {
			return failAt(cCall, "%q, want SeAccessCheck or NtAccessCheck", c[0])
		}
	}
	return nil
}

func (f *File) multiply(q question, e *expectation) error {
	for _, on := range e.texts[cOn] {
		d, ok := f.byName[on]
		if !ok {
			return strict.Within("on", f.FailAt(e.at[cOn], "there is no descriptor %q", on))
		}
		for _, who := range e.texts[cWho] {
			t, ok := f.principals[who]
			if !ok {
				return strict.Within("who", f.FailAt(e.at[cWho], "there is no principal %q", who))
			}
			if len(f.cases) == maxCases {
				return strict.Within("who", f.FailAt(e.at[cWho], "more than %d questions", maxCases))
			}
			c := q
			c.who, c.on = who, d
			c.ask.Request.Descriptor, c.ask.Request.Type = d.SD, d.Type
			c.ask.Request.Subject = batch.SubjectFor(t, c.ask.Call)
			c.ask.Explain = true
			f.cases = append(f.cases, c)
		}
	}
	return nil
}
