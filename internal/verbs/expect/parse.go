package expect

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/refmon/refmon/internal/verbs/batch"
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
	read       func(name string) ([]byte, error)
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

var (
	fileFields       = []string{"domain", "principals", "descriptors", "expect"}
	descriptorFields = []string{"sddl", "hex", "type"}
	caseFields       = []string{"name", "who", "on", "want", "is", "why", "self", "call"}
)

// Parse reads a file. read opens the token files that principals name. The
// error is an [*Error].
func Parse(text []byte, read func(name string) ([]byte, error)) (*File, error) {
	n, err := document(text)
	if err != nil {
		return nil, err
	}
	parts, err := pairs(n, fileFields...)
	if err != nil {
		return nil, err
	}
	f := &File{principals: map[string]*token.Token{}, byName: map[string]*Descriptor{}, read: read}
	sort.SliceStable(parts, func(i, j int) bool { return rank(parts[i].key) < rank(parts[j].key) })
	for _, p := range parts {
		switch p.key {
		case "domain":
			err = f.readDomain(p)
		case "principals":
			err = f.readPrincipals(p)
		case "descriptors":
			err = f.readDescriptors(p)
		case "expect":
			err = f.readCases(p)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(f.cases) == 0 {
		return nil, &Error{0, "nothing to test: the file has no expect"}
	}
	return f, nil
}

// rank is the order in which parts are read, whatever the order of the file.
func rank(key string) int {
	for i, f := range fileFields {
		if f == key {
			return i
		}
	}
	return len(fileFields)
}

func (f *File) readDomain(p pair) error {
	text, err := scalar(p.value)
	if err != nil {
		return err
	}
	if f.domain, err = sid.Parse(text); err != nil {
		return fail(p.value, "domain: %v", err)
	}
	return nil
}

func (f *File) readPrincipals(p pair) error {
	ps, err := pairs(p.value)
	if err != nil {
		return err
	}
	for _, p := range ps {
		var file []byte
		switch p.value.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
			file, err = f.tokenOf(p.value)
		default:
			var name string
			if name, err = scalar(p.value); err == nil {
				if file, err = f.read(name); err != nil {
					err = fail(p.value, "principal %s: %v", p.key, err)
				}
			}
		}
		if err != nil {
			return err
		}
		t, err := token.Parse(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")))
		if err != nil {
			return fail(p.node, "principal %s: %v", p.key, err)
		}
		f.principals[p.key] = t
	}
	return nil
}

// tokenOf writes the token file of a principal that is written out. The domain
// of the file is the default for its own.
func (f *File) tokenOf(n ast.Node) ([]byte, error) {
	ps, err := pairs(n)
	if err != nil {
		return nil, err
	}
	file, err := appendJSON(nil, n, 0)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		if p.key == "domain" {
			return file, nil
		}
	}
	if f.domain.IsZero() || len(ps) == 0 {
		return file, nil
	}
	return fmt.Appendf(nil, `{"domain":%q,%s`, f.domain, file[1:]), nil
}

func (f *File) readDescriptors(p pair) error {
	ps, err := pairs(p.value)
	if err != nil {
		return err
	}
	for _, p := range ps {
		d, err := f.descriptor(p)
		if err != nil {
			return err
		}
		f.Descriptors = append(f.Descriptors, d)
		f.byName[d.Name] = d
	}
	return nil
}

func (f *File) descriptor(p pair) (*Descriptor, error) {
	d := &Descriptor{Name: p.key, Line: lineOf(p.node), Type: winnt.FileObject}
	var text, digits string
	var err error
	switch p.value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		var fields []pair
		if fields, err = pairs(p.value, descriptorFields...); err != nil {
			return nil, err
		}
		for _, x := range fields {
			v, err := scalar(x.value)
			if err != nil {
				return nil, err
			}
			switch x.key {
			case "sddl":
				text = v
			case "hex":
				digits = v
			case "type":
				if d.Type = winnt.ObjectTypeByName(v); d.Type == nil {
					return nil, fail(x.value, "descriptor %s: no such type of object %q, want one of %s", p.key, v, batch.ObjectTypes)
				}
			}
		}
	default:
		if text, err = scalar(p.value); err != nil {
			return nil, err
		}
	}
	switch {
	case (text == "") == (digits == ""):
		return nil, fail(p.node, "descriptor %s: want either sddl or hex", p.key)
	case digits != "":
		var b []byte
		if b, err = hex.DecodeString(digits); err == nil {
			d.SD, err = sd.Decode(b)
		}
	default:
		d.SD, err = sddl.Parse(text, sddl.Options{Domain: f.domain, Extended: true})
	}
	if err != nil {
		return nil, fail(p.node, "descriptor %s: %v", p.key, err)
	}
	return d, nil
}

func (f *File) readCases(p pair) error {
	seq, ok := p.value.(*ast.SequenceNode)
	if !ok {
		return fail(p.node, "expect: want a list, each with %s", choices(caseFields))
	}
	for _, n := range seq.Values {
		if err := f.readCase(n); err != nil {
			return err
		}
	}
	return nil
}

// readCase reads one expectation and multiplies it out: each of who on each of
// on.
func (f *File) readCase(n ast.Node) error {
	fields, err := pairs(n, caseFields...)
	if err != nil {
		return err
	}
	got := map[string][]string{}
	at := map[string]ast.Node{}
	for _, x := range fields {
		if got[x.key], err = texts(x.value); err != nil {
			return err
		}
		at[x.key] = x.value
		if len(got[x.key]) != 1 && !contains([]string{"who", "on", "why"}, x.key) {
			return fail(x.node, "%s: want one value", x.key)
		}
	}
	for _, need := range []string{"who", "on", "want", "is"} {
		if len(got[need]) == 0 {
			return fail(first(n, fields), "the expectation lacks %q", need)
		}
	}
	q := question{line: lineOf(first(n, fields)), want: got["want"][0], why: got["why"], name: strings.Join(got["name"], "")}
	switch is := got["is"][0]; is {
	case "granted", "denied":
		q.granted = is == "granted"
	default:
		return fail(at["is"], "is: %q, want granted or denied", is)
	}
	r := &q.ask.Request
	if r.Desired, err = sddl.ParseRights(q.want); err != nil {
		return fail(at["want"], "want: %v", err)
	}
	if s := got["self"]; len(s) == 1 {
		if r.Self, err = sid.Resolve(s[0], f.domain); err != nil {
			return fail(at["self"], "self: %v", err)
		}
	}
	if c := got["call"]; len(c) == 1 {
		var ok bool
		if q.ask.Call, ok = batch.ParseCall(c[0]); !ok {
			return fail(at["call"], "call: %q, want SeAccessCheck or NtAccessCheck", c[0])
		}
	}
	return f.multiply(q, got, at)
}

// first is the node that stands for a map in messages: its first key.
func first(n ast.Node, fields []pair) ast.Node {
	if len(fields) == 0 {
		return n
	}
	return fields[0].node
}

// maxCases is how many questions a file may ask.
const maxCases = 1 << 20

func (f *File) multiply(q question, got map[string][]string, at map[string]ast.Node) error {
	for _, on := range got["on"] {
		d, ok := f.byName[on]
		if !ok {
			return fail(at["on"], "on: there is no descriptor %q", on)
		}
		for _, who := range got["who"] {
			t, ok := f.principals[who]
			if !ok {
				return fail(at["who"], "who: there is no principal %q", who)
			}
			if len(f.cases) == maxCases {
				return fail(at["who"], "more than %d questions", maxCases)
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
