package expect

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Outside opens the files that a file of expectations names. Open is required. If another function is nil, a file
// that needs it is an error.
type Outside struct {
	Open      func(name string) ([]byte, error)                  // a token file
	Directory func(names []string) (*directory.Directory, error) // users and groups
	Objects   func(name string) (objects.Source, error)          // an objects file
	// Paths reads files of this machine and their descendants. A file with a Way gives access only to users who may
	// search each folder of the Way.
	Paths func(names []string) (objects.Source, error)
	// Base is the folder of the file of expectations, where relative paths of files of Paths start; "" is the working
	// directory. The names that Paths gives to its files start with it too, unless they are absolute.
	Base string
	// Folder returns the first folder on the way to a file of Paths that has this descriptor in the Way, or "" if none has
	// it any more. It may be nil if no file of Paths has a Way.
	Folder func(file string, search *sd.Descriptor) string
}

var errNothingOutside = errors.New("this file may not refer to other files")

// maxObjects limits the objects of a file.
const maxObjects = 1 << 20

// readDirectory reads the directory that resolves names of users and groups. Its domain becomes the file's unless the
// file names one. Without access to other files it is an error. Errors have the position of the names.
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

// readObjects adds the objects of the objects files that the file names. Without access to other files a name is an
// error, and an empty list is not. It stops at the first error.
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

// readPaths adds the files of this machine that the file names, and their descendants. Without access to other files it
// is an error. Every error has the position of the list.
func (f *File) readPaths() error {
	start := f.Pos
	names, err := f.texts()
	if err != nil {
		return err
	}
	if f.out.Paths == nil {
		return f.FailAt(start, "%v", errNothingOutside)
	}
	before := len(f.objects)
	s, err := f.out.Paths(names)
	if err == nil {
		err = f.gather(s)
	}
	for _, d := range f.objects[before:] {
		d.file = filepath.Clean(d.Name)
	}
	if err != nil {
		return f.FailAt(start, "%v", err)
	}
	return nil
}

// gather adds the objects of a source to f.objects, unreadable ones with their error. More than maxObjects in all are
// an error. After an error of the source, the objects added before it stay.
func (f *File) gather(s objects.Source) error {
	line := strict.LineOf(f.Bytes, f.marks, f.Pos)
	many := false
	err := objects.All(context.Background(), s, f.domain, winnt.FileObject, func(i objects.Item) bool {
		if many = len(f.objects) == maxObjects; many {
			return false
		}
		d := &Descriptor{Name: i.Path, Line: line, SD: i.Descriptor, Type: i.Type, failed: i.Err, note: i.Note,
			way: i.Way}
		if i.Entry != nil {
			d.self, d.class = i.Entry.SID, i.Entry.Classes
		}
		f.objects = append(f.objects, d)
		return true
	})
	if many {
		return fmt.Errorf("there are more than %d objects", maxObjects)
	}
	return err
}

// subjects returns the descriptors that "on" refers to: the one with this name, else the object with this path, else
// all objects whose path matches the glob (U-112). It returns nil if there is none. A malformed glob matches nothing.
func (f *File) subjects(on string) (found []*Descriptor) {
	if d, ok := f.byName[on]; ok {
		return []*Descriptor{d}
	}
	if on == "" { // joined with a folder it would be the folder
		return nil
	}
	file, fileGlob := filepath.Clean(on), path.Clean(on)
	if !filepath.IsAbs(on) {
		// A relative path of a file starts at the folder of the file of expectations (U-112).
		file = filepath.Join(f.out.Base, on)
		fileGlob = path.Join(literally.Replace(filepath.ToSlash(f.out.Base)), on)
	}
	isGlob := strings.ContainsAny(on, "*?[") && !objects.CrossesFolders(on) // ** would miss the deeper folders
	for _, d := range f.objects {
		name, want, glob := d.Name, on, on
		if d.file != "" {
			name, want, glob = d.file, file, fileGlob
		}
		if name == want {
			return []*Descriptor{d}
		}
		if ok, err := path.Match(glob, filepath.ToSlash(name)); isGlob && ok && err == nil {
			found = append(found, d)
		}
	}
	return found
}

// literally escapes the characters of a path that have a meaning in a glob.
var literally = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

// asker returns the principal with a name: one of the file, else one that the directory finds or derives for that name.
// An unknown name is an error. The directory may get a new principal.
func (f *File) asker(who string) (directory.Principal, error) {
	if t, ok := f.principals[who]; ok {
		return directory.Principal{Name: who, Token: t}, nil
	}
	if f.directory == nil {
		return directory.Principal{}, fmt.Errorf("unknown principal %q", who)
	}
	i, _, err := f.directory.FindOrAdd(who)
	if err != nil {
		return directory.Principal{}, err
	}
	return f.directory.Principals[i], nil
}
