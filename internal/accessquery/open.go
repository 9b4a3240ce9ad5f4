package accessquery

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/winnt"
)

// Open is a decided open of a file together with its explanation: which descriptor decided, and by which entries.
type Open struct {
	fileaccess.Decision
	Reasons []fileaccess.BitReason
	// Explanation is the one of fileaccess. It is never nil.
	Explanation *fileaccess.Explanation
	// Component is the index in Facts.Path of the directory that the caller may not pass. It is -1 if the object decided.
	Component int
	Directory bool // the descriptor that decided is a directory's
	// Check is the access check of the descriptor that decided, for the rights requested of it. Its Descriptor is
	// nil if there is none.
	Check access.Request
	Why   *access.Explanation // of Check; nil without a descriptor

	parent string            // name of the object's directory
	object *winnt.ObjectType // names the rights that the open requested
}

// ExplainOpen decides an open as [fileaccess.Open] does and explains it. A nil argument is denied without reasons. For
// a missing name, Check is that of its folder for the right to create. Component is the index of the folder on the way
// that denied, or -1. Why is nil if there is no descriptor to explain.
func ExplainOpen(r *fileaccess.Request, f *fileaccess.Facts) Open {
	d, x := fileaccess.Explain(r, f)
	o := Open{Decision: d, Reasons: x.Reasons, Explanation: x, Component: -1, object: winnt.FileObject}
	if r == nil || f == nil {
		return o
	}
	o.Directory = f.Object.IsDirectory
	o.object = typeOf(o.Directory || !f.Object.Exists && r.Options&fileaccess.DirectoryFile != 0)
	o.Check = access.Request{Subject: r.Subject, Descriptor: f.Object.Descriptor, Type: typeOf(o.Directory),
		Desired: r.Desired}
	if f.Parent != nil {
		o.parent = f.Parent.Name
	}
	if !f.Object.Exists && f.Parent != nil {
		// A name that is created is decided by its directory.
		o.Directory, o.Check.Type, o.Check.Descriptor = true, winnt.DirectoryFileObject, f.Parent.Descriptor
		if o.Check.Desired = winnt.FILE_ADD_FILE; r.Options&fileaccess.DirectoryFile != 0 {
			o.Check.Desired = winnt.FILE_ADD_SUBDIRECTORY
		}
	}
	left := o.Check.Desired
	for _, b := range o.Reasons {
		switch {
		case b.Reason.Kind == fileaccess.TraverseDenied && b.Reason.Component < len(f.Path):
			o.Component, o.Directory = b.Reason.Component, true
			o.Check.Descriptor, o.Check.Type = f.Path[o.Component].Descriptor, winnt.DirectoryFileObject
			left = winnt.FILE_TRAVERSE
		case b.Reason.Kind == fileaccess.ParentAllow && o.Component < 0 &&
			fileaccess.Can(&r.Subject, f.Object.Descriptor, b.Bit, &f.Policy) == 0:
			left &^= b.Bit
		}
	}
	if left != 0 {
		o.Check.Desired = left
	}
	if o.Check.Descriptor != nil {
		if _, why, err := access.Explain(&o.Check); err == nil {
			o.Why = why
		}
	}
	return o
}

// typeOf returns the object type of a directory or of a file.
func typeOf(directory bool) *winnt.ObjectType {
	if directory {
		return winnt.DirectoryFileObject
	}
	return winnt.FileObject
}

// Limits returns a line for each right that something other than the descriptor in Check granted or refused: the
// directory of the object, a read-only attribute, the share. people asks for the lines that a person reads (U-125); the
// others are those of JSON.
func (o *Open) Limits(people bool) (lines []string) {
	for _, r := range o.Reasons {
		switch r.Reason.Kind {
		case fileaccess.FromAccess, fileaccess.TraverseDenied, fileaccess.Unreached, fileaccess.NoDescriptor:
		case fileaccess.ParentAllow, fileaccess.ParentDeny:
			if !people {
				lines = append(lines, fmt.Sprintf("%s: by the directory %s, %v", o.right(r.Bit), o.parent, r.Reason))
				continue
			}
			lines = append(lines, fmt.Sprintf("%s: %s decides: %s", o.right(r.Bit),
				strings.TrimSpace("the directory "+o.parent), r.Reason.ParentWords("it")))
		default:
			text := r.Reason.String()
			if people {
				text = r.Reason.Words(r.Granted)
			}
			lines = append(lines, o.right(r.Bit)+": "+text)
		}
	}
	return lines
}

// Entries returns a line for each entry and stage of the descriptor in Check that refused a right: the rule, the entry,
// and the reason in words. It is empty if the descriptor granted all requested rights, or is missing.
func (o *Open) Entries() (lines []string) {
	if o.Why == nil || o.Why.Decision.Allowed() {
		return nil
	}
	for i := range o.Why.Steps {
		s := &o.Why.Steps[i]
		switch {
		case s.Granted || s.Bits&o.Why.Asked == 0:
		case s.ACE >= 0:
			lines = append(lines, fmt.Sprintf("%s: entry %d of the %s %s: %s", s.Rule, s.ACE+1, s.List, s.Entry(), s.Because))
		default:
			lines = append(lines, s.Rule+": "+s.Because)
		}
	}
	return lines
}

// right returns the name of the right bit for the type of the opened object.
func (o *Open) right(bit winnt.AccessMask) string { return o.object.RightName(bit) }
