package claims

// The byte codes of MS-DTYP 2.4.4.17.4 to 2.4.4.17.8. Operands come first, so
// a program is in postfix order.
const (
	tokPad       = 0x00 // only at the end, at most 3
	tokInt8      = 0x01 // int8 to int64: value 8 bytes, sign 1, base 1
	tokInt16     = 0x02
	tokInt32     = 0x03
	tokInt64     = 0x04
	tokString    = 0x10 // u32 byte length, UTF-16 units
	tokOctets    = 0x18 // u32 length, bytes
	tokComposite = 0x50 // u32 byte length, literal tokens
	tokSID       = 0x51 // u32 length, SID
	tokLocal     = 0xF8 // attribute tokens: u32 byte length, UTF-16 name
	tokUser      = 0xF9
	tokResource  = 0xFA
	tokDevice    = 0xFB

	opEqual              = 0x80
	opNotEqual           = 0x81
	opLess               = 0x82
	opLessEqual          = 0x83
	opGreater            = 0x84
	opGreaterEqual       = 0x85
	opContains           = 0x86
	opExists             = 0x87
	opAnyOf              = 0x88
	opMemberOf           = 0x89
	opDeviceMemberOf     = 0x8A
	opMemberOfAny        = 0x8B
	opDeviceMemberOfAny  = 0x8C
	opNotExists          = 0x8D
	opNotContains        = 0x8E
	opNotAnyOf           = 0x8F
	opNotMemberOf        = 0x90
	opNotDeviceMemberOf  = 0x91
	opNotMemberOfAny     = 0x92
	opNotDeviceMembOfAny = 0x93
	opAnd                = 0xA0
	opOr                 = 0xA1
	opNot                = 0xA2
)

// Values of the sign and base bytes of an integer token. They record the notation of the source and only affect the
// printed text.
const (
	signPlus  = 1
	signMinus = 2
	signNone  = 3

	baseOctal   = 1
	baseDecimal = 2
	baseHex     = 3
)

// signature starts the application data of a conditional entry.
const signature = "artx"

// Limits of one expression (S-35). MaxStack cannot be exceeded by an
// expression within MaxTokens, since each token pushes at most one value.
const (
	MaxExprSize = 10000 // bytes, signature included
	MaxTokens   = 2000  // members of composites included
	MaxStack    = MaxTokens
)

// family groups the operators of conditions by the operands that they take.
type family uint8

const (
	famNone     family = iota
	famRelation        // == != < <= > >=
	famSet             // Contains, Any_of and their negations
	famExists          // Exists, Not_Exists
	famMember          // Member_of and the like
	famBinary          // && ||
	famNot             // !
)

// operator is one row of the operator table.
type operator struct {
	text   string // as Windows prints it
	family family
}

// operators holds every operator by its byte code; other codes are famNone.
var operators = [256]operator{
	opEqual:              {"==", famRelation},
	opNotEqual:           {"!=", famRelation},
	opLess:               {"<", famRelation},
	opLessEqual:          {"<=", famRelation},
	opGreater:            {">", famRelation},
	opGreaterEqual:       {">=", famRelation},
	opContains:           {"Contains", famSet},
	opAnyOf:              {"Any_of", famSet},
	opNotContains:        {"Not_Contains", famSet},
	opNotAnyOf:           {"Not_Any_of", famSet},
	opExists:             {"Exists", famExists},
	opNotExists:          {"Not_Exists", famExists},
	opMemberOf:           {"Member_of", famMember},
	opDeviceMemberOf:     {"Device_Member_of", famMember},
	opMemberOfAny:        {"Member_of_any", famMember},
	opDeviceMemberOfAny:  {"Device_Member_of_any", famMember},
	opNotMemberOf:        {"Not_Member_of", famMember},
	opNotDeviceMemberOf:  {"Not_Device_Member_of", famMember},
	opNotMemberOfAny:     {"Not_Member_of_any", famMember},
	opNotDeviceMembOfAny: {"Not_Device_Member_of_any", famMember},
	opAnd:                {"&&", famBinary},
	opOr:                 {"||", famBinary},
	opNot:                {"!", famNot},
}
