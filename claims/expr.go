package claims

import (
	"errors"

	"github.com/refmon/refmon/sid"
)

// Scope is the list of attributes in which a name is looked up. The
// zero value is Local.
type Scope uint8

const (
	Local    Scope = iota // no prefix: attributes of the token itself
	User                  // @User.: user claims of the token
	Resource              // @Resource.: resource attributes of the object
	Device                // @Device.: device claims of the token
)

// String returns the prefix as Windows prints it, or "" for Local.
func (s Scope) String() string {
	switch s {
	case User:
		return "@USER."
	case Resource:
		return "@RESOURCE."
	case Device:
		return "@DEVICE."
	}
	return ""
}

// Truth is the result of a condition. The zero value is Unknown.
type Truth uint8

const (
	Unknown Truth = iota // an operand was missing or of the wrong type, or the program is wrong
	False
	True
)

// String returns "Unknown", "False" or "True".
func (t Truth) String() string {
	switch t {
	case False:
		return "False"
	case True:
		return "True"
	}
	return "Unknown"
}

// Not returns the three-valued negation: Unknown stays Unknown.
func (t Truth) Not() Truth {
	switch t {
	case False:
		return True
	case True:
		return False
	}
	return Unknown
}

// Env supplies the data that a condition reads: the attributes of the token and
// the object, and membership. Membership depends on the entry that has the
// condition. An allow entry counts enabled groups, and a deny or audit entry
// also deny-only groups. The restricted pass counts only restricting
// SIDs.
type Env interface {
	// Attribute returns the attribute with a name, ignoring case (EqualName). The
	// caller only reads the Attribute.
	Attribute(scope Scope, name string) (Attribute, bool)
	// Member reports whether the token, or its device, is a member of s.
	Member(s sid.SID, device bool) bool
	// HasDevice reports whether the token has any device groups.
	HasDevice() bool
}

// ErrExpr is the error that every refusal of an expression's bytes wraps.
var ErrExpr = errors.New("invalid conditional expression")

// Expr is a compiled condition. It is immutable. The zero value is the empty
// program: it encodes to "artx" and evaluates to Unknown.
type Expr struct {
	raw      string // signature, tokens and padding, exactly as decoded
	nodes    []node
	operands []operand
	root     ref
	state    state
}

// state says whether a decoded program can be evaluated and whether it has a text form.
type state uint8

const (
	stateBroken     state = iota // not one result: evaluates to Unknown as a whole
	stateUnwritable              // evaluates, but no text says it (S-36)
	stateFine
)

// ref is a reference to a part of an expression: the index of a node if it is not negative, else the complement of
// the index of an operand.
type ref int32

// node is one operator of an expression's tree. Unary operators use only left.
type node struct {
	op          byte
	left, right ref
}

// operandKind is the kind of an operand.
type operandKind uint8

const (
	kindAttribute operandKind = iota
	kindScalar                // one literal
	kindComposite             // a list of literals
)

// operand is an attribute name or a constant of an expression.
type operand struct {
	kind  operandKind
	scope Scope     // kindAttribute
	name  string    // kindAttribute
	lits  []literal // the literal, or the members
	order *order    // of a long composite of one type
	typ   Type      // the type of all literals, 0 if there are several or none
}

// literal is a constant of an expression. typ is Int64 for integers of all four widths.
type literal struct {
	typ               Type
	width, sign, base uint8 // of an integer: token code, sign, base
	i                 int64
	s                 string // string, bytes of an octet string, binary SID
	sid               sid.SID
}

// Reads reports whether the condition names an attribute of the scope, so that its evaluation may look it up.
func (e *Expr) Reads(s Scope) bool {
	for i := range e.operands {
		if o := &e.operands[i]; o.kind == kindAttribute && o.scope == s {
			return true
		}
	}
	return false
}

// Encode returns the application data of the entry: "artx", the tokens, and zero bytes up to a multiple of 4 (S-34).
// For a decoded expression it returns the original bytes. The zero Expr, which has no tokens, encodes as "artx".
func (e *Expr) Encode() []byte {
	if e.raw == "" {
		return []byte(signature)
	}
	return []byte(e.raw)
}

// IsConditional reports whether application data starts with "artx", as a
// condition does. Other data belongs to another kind of callback entry and is
// opaque.
func IsConditional(appData []byte) bool {
	return len(appData) >= len(signature) && string(appData[:len(signature)]) == signature
}
