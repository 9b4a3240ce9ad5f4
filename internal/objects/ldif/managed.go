package ldif

import (
	"errors"
	"io"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// ErrNoManaged means that the form of a source has no managed accounts.
var ErrNoManaged = errors.New("ReadGMSAPassword: only LDIF has msDS-GroupMSAMembership, whose descriptor decides it")

var errNoneManaged = errors.New("no entry has msDS-GroupMSAMembership: export it by name, with the right to read it")

// managed is a source of the group managed service accounts of an LDIF file, with the descriptors that decide who may
// read their passwords.
type managed struct {
	from    *source
	leftOut func(path []byte) // gets the paths of the other objects
	any     bool              // an account was found
}

// Managed returns a source of the managed accounts in s. It takes over s. Each account has the descriptor in
// msDS-GroupMSAMembership in place of its own (B-10). leftOut gets the path of each other object; it must not keep it.
// Managed returns ErrNoManaged if s is not LDIF. If no entry has that attribute, the first Next fails.
func Managed(s objects.Source, leftOut func(path []byte)) (objects.Source, error) {
	from, ok := s.(*source)
	if !ok {
		return nil, ErrNoManaged
	}
	return &managed{from: from, leftOut: leftOut}, nil
}

// Next fills a batch with managed accounts, or returns io.EOF at the end. It fails if the whole file has none. The
// object's descriptor is that of msDS-GroupMSAMembership, and a malformed attribute sets Err. Other objects, even
// unreadable ones, are skipped.
func (m *managed) Next(b *objects.Batch) error {
	return objects.Gather(b, func(o *objects.Object) error {
		for {
			err := m.from.readObject(o)
			if errors.Is(err, io.EOF) && !m.any {
				return errNoneManaged
			}
			if err != nil {
				return err
			}
			if o.Entry.Managed != nil {
				break
			}
			m.leftOut(o.Path)
		}
		m.any = true
		o.SD, o.Form, o.Type = o.Entry.Managed, objects.FormBinary, winnt.DirectoryServiceObject
		if errors.Is(o.Err, objects.ErrNoDescriptor) { // the account's own descriptor does not decide
			o.Err = nil
		}
		return nil
	})
}
