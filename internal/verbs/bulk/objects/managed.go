package objects

import (
	"errors"
	"io"

	"github.com/refmon/refmon/winnt"
)

// ErrNoManaged says that a source cannot tell about managed accounts.
var ErrNoManaged = errors.New("ReadGMSAPassword: only LDIF has msDS-GroupMSAMembership, whose descriptor decides it")

var errNoneManaged = errors.New("no entry has msDS-GroupMSAMembership: ask for it by name, with the right to read it")

// managed gives the managed accounts of an LDIF file.
type managed struct {
	from *ldif
	any  bool // an account was found
}

// Managed returns a source of the managed accounts of a source, with the descriptor in
// msDS-GroupMSAMembership in place of their own (B-10).
func Managed(s Source) (Source, error) {
	from, ok := s.(*ldif)
	if !ok {
		return nil, ErrNoManaged
	}
	return &managed{from: from}, nil
}

// Next fills a batch.
func (m *managed) Next(b *Batch) error {
	return gather(b, func(o *Object) error {
		for {
			err := m.from.one(o)
			if errors.Is(err, io.EOF) && !m.any {
				return errNoneManaged
			}
			if err != nil {
				return err
			}
			if o.Entry.Managed != nil {
				break
			}
		}
		m.any = true
		o.SD, o.Form, o.Type, o.Err = o.Entry.Managed, FormBinary, winnt.DirectoryServiceObject, nil
		return nil
	})
}
