package expect

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// File is a parsed file of expectations.
type File struct {
	Descriptors []*Descriptor
	cases       []question

	domain     sid.SID
	principals map[string]*token.Token
	byName     map[string]*Descriptor
	out        Outside
	directory  *directory.Directory // nil: the file names none
	objects    []*Descriptor        // of objects files and paths, in their order
	strict.Reader
	marks []strict.Mark
}

// A Descriptor is a security descriptor with its object type about which a file has expectations: one that the file
// contains, or that of an object that it refers to.
type Descriptor struct {
	Name string
	Line int
	SD   *sd.Descriptor
	Type *winnt.ObjectType

	self   sid.SID  // SID for PRINCIPAL SELF; zero: unknown
	class  []string // classes of a directory object from top down; nil: unknown
	note   objects.Note
	way    *objects.Way // the folders above a file of this machine; nil: none is tested
	file   string       // clean path of a file of this machine, "" for other objects
	failed error        // an object that could not be read: SD is nil
	folder bool         // SD has the host's search permission of a folder on the way to an object
}

// question is one expectation about one principal and one descriptor.
type question struct {
	line    int
	name    string // of the case, if it has one
	who     string
	on      *Descriptor
	want    string
	rights  []words.Right
	ask     accessquery.Query
	granted bool
	why     []string
}

// MaxFile is the size limit of a file, in bytes.
const MaxFile = 4 << 20

// maxCases limits the cases of a file and the names or entries of a part.
const maxCases = 1 << 20

var (
	fileFields       = []string{"domain", "directory", "principals", "descriptors", "objects", "paths", "expect"}
	descriptorFields = []string{"sddl", "hex", "type"}
	caseFields       = []string{"name", "who", "on", "want", "is", "why", "self", "call"}
)

// Parse parses a YAML file of expectations, and opens the files that it names with the functions of out. It reads all
// objects into memory. The error is an [*Error]: a text over [MaxFile] bytes, a syntax error, an unknown name, or a
// file without expectations. A byte order mark is dropped.
func Parse(text []byte, out Outside) (*File, error) {
	if len(text) > MaxFile {
		return nil, &Error{0, fmt.Sprintf("longer than %d bytes", MaxFile)}
	}
	json, marks, err := strictyaml.JSON(text)
	if err != nil {
		return nil, located(nil, nil, err)
	}
	f := &File{principals: map[string]*token.Token{}, byName: map[string]*Descriptor{}, out: out, marks: marks}
	f.Reader = strict.Reader{Scanner: strict.Scanner{Bytes: json}}
	if err := f.readParts(); err != nil {
		return nil, located(json, marks, err)
	}
	if len(f.cases) == 0 {
		return nil, &Error{0, "nothing to test: the file has no expect"}
	}
	return f, nil
}

// readParts reads the parts in the order of fileFields, whatever their order in the file, because later parts refer to
// earlier ones. It skips missing parts. An unknown or repeated part is an error, and errors name their part.
func (f *File) readParts() error {
	var at [7]int
	err := f.Object(fileFields, func(i int) error {
		at[i] = f.Pos
		_, err := f.Raw()
		return err
	})
	if err != nil {
		return err
	}
	for i, read := range []func() error{f.readDomain, f.readDirectory, f.readPrincipals, f.readDescriptors, f.readObjects,
		f.readPaths, f.readCases} {
		if f.Pos = at[i]; f.Pos == 0 {
			continue
		}
		if err := read(); err != nil {
			return strict.Within(fileFields[i], err)
		}
	}
	return nil
}

// readDomain reads the SID of the domain that aliases such as DA belong to. A text that is no SID is an error
// at its line.
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

// readPrincipals reads the map of names to tokens. A value is a token file inline, or the path of one. A malformed
// token is an error at its position. A path that cannot be opened is one as well.
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
				if file, err = f.out.Open(from); err != nil {
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

// tokenFile reads an inline principal and returns it as a token file in JSON. If the principal has no domain, the
// result has the file's. An empty principal gets no domain.
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

// readDescriptors reads the map of names to descriptors, in the order of the file. The object type is file unless
// given. It stops at the first error.
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

// readDescriptor reads one descriptor into d: SDDL text, or an object with sddl or hex, and perhaps a type. hex is a
// self-relative descriptor. Both or neither of sddl and hex, an unknown type and a malformed descriptor are errors
// with their position.
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
				return f.FailAt(at, "no such type of object %q, want one of %s", given[i], accessquery.ObjectTypes)
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
