package sd

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Extra holds the data of a compiled entry that does not fit in an [Entry]. It
// is immutable once its list is made. The zero value has no data.
type Extra struct {
	ObjectType, InheritedObjectType winnt.GUID
	HasObjectType, HasInherited     bool
	Condition                       *claims.Expr      // nil without one, or if it is malformed
	BadCondition                    bool              // starts as a condition but is malformed (S-34)
	Opaque                          bool              // callback data that is not a condition
	Attribute                       *claims.Attribute // of a resource attribute; nil if malformed (S-33)
	Client                          sid.SID           // client SID of a compound entry
}

// newExtra returns the data of a valid ACE that an [Entry] cannot hold: object types, client SID, condition and
// attribute.
//   - callback data that is not a condition: sets Opaque
//   - condition that cannot be decoded: sets BadCondition
//   - attribute that cannot be decoded: absent
func newExtra(a ACE) Extra {
	var x Extra
	t := a.Type()
	x.ObjectType, x.HasObjectType = a.ObjectType()
	x.InheritedObjectType, x.HasInherited = a.InheritedObjectType()
	x.Client = a.ClientSID()
	switch {
	case t.IsCallback():
		data := []byte(a.AppData())
		if !claims.IsConditional(data) {
			x.Opaque = true
			break
		}
		e, err := claims.Decode(data)
		x.Condition, x.BadCondition = e, err != nil
	case t == SystemResourceAttribute:
		// A claim that cannot be read counts as absent (S-33).
		if v, err := claims.DecodeAttribute([]byte(a.AppData())); err == nil {
			x.Attribute = &v
		}
	}
	return x
}
