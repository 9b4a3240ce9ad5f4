package script

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Values of logons and name lookups.

var logonTypes = map[string]winnt.LogonType{
	"LOGON32_LOGON_INTERACTIVE": winnt.LOGON32_LOGON_INTERACTIVE, "LOGON32_LOGON_NETWORK": winnt.LOGON32_LOGON_NETWORK,
	"LOGON32_LOGON_BATCH": winnt.LOGON32_LOGON_BATCH, "LOGON32_LOGON_SERVICE": winnt.LOGON32_LOGON_SERVICE,
}

// addLogonConstants adds the constants of logon types, kinds of names and LSA queries to env.
func addLogonConstants(env starlark.StringDict) {
	for name, t := range logonTypes {
		env[name] = starlark.MakeUint64(uint64(t))
	}
	for u := winnt.SidTypeUser; u <= winnt.SidTypeLogonSession; u++ {
		env[u.String()] = useValue(u)
	}
	env["PolicyPrimaryDomainInformation"] = starlark.MakeUint64(uint64(winnt.PolicyPrimaryDomainInformation))
	env["PolicyAccountDomainInformation"] = starlark.MakeUint64(uint64(winnt.PolicyAccountDomainInformation))
	env["LSA_LOOKUP_ISOLATED_AS_LOCAL"] = starlark.MakeUint64(uint64(winnt.LSA_LOOKUP_ISOLATED_AS_LOCAL))
}

// useValue returns the Starlark constant of a kind of name (SID_NAME_USE).
func useValue(u winnt.SIDNameUse) named { return named{"SID_NAME_USE", uint64(u), u.String()} }

// logonInformation converts a dict with the fields of KERB_INTERACTIVE_LOGON, the default for MessageType. An unknown
// field and a field of another type are errors. Fields that are not given are empty. MessageType is a number. Each key
// must be a string.
func logonInformation(v starlark.Value) (info nt.LogonInformation, err error) {
	d, ok := v.(*starlark.Dict)
	if !ok {
		return info, fmt.Errorf(`want a dict such as {"UserName": "User", "Password": "…"}, got %s`, v.Type())
	}
	info.MessageType = nt.InteractiveLogon
	for _, item := range d.Items() {
		key, _ := starlark.AsString(item[0])
		text, isText := starlark.AsString(item[1])
		switch key {
		case "MessageType":
			if info.MessageType, err = uint32Value(item[1]); err != nil {
				return info, fmt.Errorf("MessageType: %w", err)
			}
			isText = true
		case "LogonDomainName":
			info.LogonDomainName = text
		case "UserName":
			info.UserName = text
		case "Password":
			info.Password = logon.Secret(text)
		case "ClientToken":
			info.ClientToken = logon.Secret(text)
		case "ChannelBindings":
			info.ChannelBindings = text
		default:
			return info, fmt.Errorf("no field %s: want MessageType, LogonDomainName, UserName, Password, ClientToken or "+
				"ChannelBindings", item[0])
		}
		if !isText {
			return info, fmt.Errorf("%s: want a string, got %s", key, item[1].Type())
		}
	}
	return info, nil
}

// sids converts a list of SIDs as text. It returns nil for None, which is NULL. The alias of an account of a domain is
// an error.
func sids(v starlark.Value) ([]sid.SID, error) {
	return listOf(v, func(v starlark.Value) (sid.SID, error) {
		s, ok := starlark.AsString(v)
		if !ok {
			return sid.SID{}, fmt.Errorf("want a SID as a string, got %s", v.Type())
		}
		return sid.Parse(s)
	})
}
