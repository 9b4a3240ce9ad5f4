package adrights

import (
	"slices"

	"github.com/refmon/refmon/winnt"
)

// secrets lists the attributes with keys and password hashes, which a domain controller returns to nobody
// (MS-DRSR 4.1.10.3.11, IsSecretAttribute; MS-ADTS 3.1.1.4.4).
var secrets = []string{
	"currentValue", "dBCSPwd", "initialAuthIncoming", "initialAuthOutgoing", "lmPwdHistory", "ntPwdHistory",
	"priorValue", "supplementalCredentials", "trustAuthIncoming", "trustAuthOutgoing", "unicodePwd",
}

// Secret reports whether a GUID is that of an attribute that nobody can read, whatever the descriptor of the object
// grants. It is false for an unknown GUID.
func Secret(g winnt.GUID) bool {
	return slices.ContainsFunc(ByGUID(g), func(e Entry) bool {
		return e.Kind == Attribute && slices.Contains(secrets, e.Name)
	})
}
