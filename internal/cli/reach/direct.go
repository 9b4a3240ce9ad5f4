package reach

import (
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
)

// Direct evaluates objects one at a time for all principals of a directory, and keeps no object. It belongs to one
// goroutine.
type Direct struct {
	search Search
	asker  *asker
}

// maxNames limits the class names and kinds of objects that a Direct keeps between two objects.
const maxNames = 1 << 12

// NewDirect returns a Direct for the principals of d. d must have one, or the error is [ErrNobody].
func NewDirect(d *directory.Directory) (*Direct, error) {
	v := &Direct{search: Search{Directory: d}}
	if err := v.search.prepareAll(); err != nil {
		return nil, err
	}
	v.asker = v.search.newAsker(0, len(v.search.hands))
	return v, nil
}

// Rights returns the rights of steps that any principal has on an object itself, from the strongest to the weakest, and
// nil if no principal has one. A malformed descriptor or msDS-GroupMSAMembership is an error. An unreadable object
// gives its own error.
func (v *Direct) Rights(i *objects.Item) (rights []Right, err error) {
	s := &v.search
	if i.Err != nil {
		return nil, i.Err
	}
	if len(s.classes) > maxNames || len(s.words) > maxNames {
		clear(s.classes)
		clear(s.words)
		clear(v.asker.questions)
	}
	about, err := s.subject(i)
	if err != nil {
		return nil, err
	}
	s.Objects, s.about = append(s.Objects[:0], *i), append(s.about[:0], about)
	answers, err := v.asker.askOwn(0)
	if err != nil {
		return nil, err
	}
	err = report(0, answers, func(_ int, all []Right) error {
		rights = all
		return nil
	})
	return rights, err
}
