package effective

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Question is the question that an Evaluator decides for each descriptor. Type
// and Rights are required. The zero value of the other fields is the documented
// default.
type Question struct {
	Type *winnt.ObjectType
	// Rights are the requested masks. Each has its own result set. Generic rights
	// are mapped. For MAXIMUM_ALLOWED alone, the set contains the tokens that have
	// any right.
	Rights []winnt.AccessMask

	Self sid.SID // the SID for S-1-5-10; zero: none
	// ObjectTypes is a tree of object types. A chain, such as a class, a property
	// set and a property, is evaluated in bulk. With a tree that branches, every
	// pair uses the scalar check.
	ObjectTypes []access.ObjectTypeEntry
}

// MaxRights is the maximum number of masks in one question.
const MaxRights = 64

// Errors of malformed questions. A question without a type gives
// [access.ErrNoMapping].
var (
	ErrNoRights = errors.New("effective: the question asks for no rights")
	ErrRights   = fmt.Errorf("effective: the question asks for more than %d rights", MaxRights)
)

const (
	sacl      = winnt.ACCESS_SYSTEM_SECURITY
	maximum   = winnt.MAXIMUM_ALLOWED
	ownerMask = winnt.READ_CONTROL | winnt.WRITE_DAC
	ungranted = sacl | maximum | winnt.GENERIC_RIGHTS // no entry grants these
	everyBit  = ^winnt.AccessMask(0)
)

// right is one access mask of a question, as requested and with generic rights mapped.
type right struct {
	desired   winnt.AccessMask // original request, for the scalar check
	requested winnt.AccessMask // mapped, by name
	any       bool             // MAXIMUM_ALLOWED and nothing by name: any right will do
	none      bool             // no right is requested, which is denied
}

// rights validates the question's access masks and maps their generic rights. A missing type, no rights and more than
// MaxRights are errors. A right of 0 is allowed and gets a separate answer. MAXIMUM_ALLOWED alone asks for any right;
// with others it is dropped.
func (q *Question) rights() ([]right, error) {
	switch {
	case q.Type == nil:
		return nil, access.ErrNoMapping
	case len(q.Rights) == 0:
		return nil, ErrNoRights
	case len(q.Rights) > MaxRights:
		return nil, ErrRights
	}
	out := make([]right, len(q.Rights))
	for i, m := range q.Rights {
		r := right{desired: m, requested: q.Type.Mapping.Map(m) &^ maximum}
		r.any = m&maximum != 0 && r.requested == 0
		r.none = r.requested == 0 && !r.any
		out[i] = r
	}
	return out, nil
}

// chain returns the object types of the question's list if each level has one entry, so that entries can be decided for
// all tokens at once. It returns nil for a list that branches, is empty or is not a tree in preorder.
func (q *Question) chain() (types []winnt.GUID) {
	if access.ValidateObjectTypes(q.ObjectTypes) != nil {
		return nil
	}
	for i, e := range q.ObjectTypes {
		if int(e.Level) != i {
			return nil
		}
		types = append(types, e.GUID)
	}
	return types
}

// request prepares r for the access check of a single token. Subject, descriptor and rights stay to be set.
func (e *Evaluator) request(r *access.Request) {
	*r = access.Request{
		Type: e.q.Type, Self: e.q.Self, ObjectTypes: e.q.ObjectTypes,
		Policies: e.p.cfg.Policies, Options: e.p.cfg.Options,
	}
}
