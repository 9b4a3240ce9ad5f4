package expect

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/winnt"
)

// Outside opens what a file of expectations names. Open is needed; without one of the
// others a file that names such a thing is refused.
type Outside struct {
	Open      func(name string) ([]byte, error)                  // a token file
	Directory func(names []string) (*people.Directory, error)    // users and groups
	Objects   func(name string) (objects.Source, error)          // an objects file
	Paths     func(names []string) (src objects.Source, e error) // files of this machine, and what is below them
}

var errNothingOutside = errors.New("this file may name nothing outside of it")

// maxObjects is how many objects a file may be about.
const maxObjects = 1 << 20

// readDirectory reads whom names of users and groups mean.
func (f *File) readDirectory() error {
	start := f.Pos
	names, err := f.texts()
	if err != nil {
		return err
	}
	if f.out.Directory == nil {
		return f.FailAt(start, "%v", errNothingOutside)
	}
	if f.directory, err = f.out.Directory(names); err != nil {
		return f.FailAt(start, "%v", err)
	}
	if f.domain.IsZero() {
		f.domain = f.directory.Domain
	}
	return nil
}

// readObjects reads objects files.
func (f *File) readObjects() error {
	start := f.Pos
	names, err := f.texts()
	for _, name := range names {
		if err != nil {
			break
		}
		if f.out.Objects == nil {
			return f.FailAt(start, "%v", errNothingOutside)
		}
		var s objects.Source
		if s, err = f.out.Objects(name); err == nil {
			if err = f.gather(s); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
		}
		if err != nil {
			return f.FailAt(start, "%v", err)
		}
	}
	return err
}

// readPaths reads files of this machine.
func (f *File) readPaths() error {
	start := f.Pos
	names, err := f.texts()
	if err != nil {
		return err
	}
	if f.out.Paths == nil {
		return f.FailAt(start, "%v", errNothingOutside)
	}
	s, err := f.out.Paths(names)
	if err == nil {
		err = f.gather(s)
	}
	if err != nil {
		return f.FailAt(start, "%v", err)
	}
	return nil
}

// gather keeps the objects of a source.
func (f *File) gather(s objects.Source) error {
	line := strict.LineOf(f.Bytes, f.marks, f.Pos)
	many := false
	err := objects.All(context.Background(), s, f.domain, winnt.FileObject, func(i objects.Item) bool {
		if many = len(f.objects) == maxObjects; many {
			return false
		}
		d := &Descriptor{Name: i.Path, Line: line, SD: i.Descriptor, Type: i.Type, failed: i.Err, note: i.Note}
		if i.Entry != nil {
			d.self = i.Entry.SID
		}
		f.objects = append(f.objects, d)
		return true
	})
	if many {
		return fmt.Errorf("there are more than %d objects", maxObjects)
	}
	return err
}

// subjects returns what an expectation is about: a descriptor by its name, else the object
// of that path, else all objects whose paths a glob describes (U-112).
func (f *File) subjects(on string) (found []*Descriptor) {
	if d, ok := f.byName[on]; ok {
		return []*Descriptor{d}
	}
	glob := strings.ContainsAny(on, "*?[")
	for _, d := range f.objects {
		if d.Name == on {
			return []*Descriptor{d}
		}
		if ok, err := path.Match(on, filepath.ToSlash(d.Name)); glob && ok && err == nil {
			found = append(found, d)
		}
	}
	return found
}

// asker returns who asks: a principal of the file, else who the directory has or takes for
// that name.
func (f *File) asker(who string) (people.Principal, error) {
	if t, ok := f.principals[who]; ok {
		return people.Principal{Name: who, Token: t}, nil
	}
	if f.directory == nil {
		return people.Principal{}, fmt.Errorf("there is no principal %q", who)
	}
	i, _, err := f.directory.Asking(who)
	if err != nil {
		return people.Principal{}, err
	}
	return f.directory.Principals[i], nil
}
