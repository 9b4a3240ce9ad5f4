package adreport

// term names a right on the page: Word is the word of [reach.Step], Name the page's name, and Meaning explains it.
type term struct{ Word, Name, Meaning string }

// terms lists the words of steps, from the strongest to the weakest, with the page's names.
var terms = []term{
	{"GenericAll", "generic all", "every right on the object"},
	{"WriteDacl", "write DACL", "change the rights, and so grant oneself any of them"},
	{"WriteOwner", "write owner", "take ownership, and then change the rights"},
	{"ForceChangePassword", "reset password", "set the password without knowing it, and log on as the account"},
	{"AddKeyCredentialLink", "add key credential", "register a key, and log on as the account with it"},
	{"AddAllowedToAct", "write allowed-to-act", "log on to the computer as any user (resource-based delegation)"},
	{"WriteSPN", "write SPN", "set a service name, and guess the password from a service ticket"},
	{"WriteAltSecurityIdentities", "write alt. identities", "map a certificate, and log on as the account with it"},
	{"ReadGMSAPassword", "read gMSA password", "read the password of the managed account"},
	{"AddMember", "add member", "change the members of the group"},
	{"AddSelf", "add self", "join the group"},
	{"DCSync", "DCSync", "replicate the directory with all password hashes"},
	{"WriteGPLink", "write GP link", "apply a group policy to the computers and users below"},
	{"ControlsDomain", "controls domain", "control of the domain's head, or of all its password hashes"},
	{"SDProp", "SDProp", "control of AdminSDHolder, whose rights every protected account gets within an hour"},
	{"OperatorPrivileges", "operator privileges", "user rights on domain controllers, by membership alone"},
}

// termOf returns the page's name of a word from [reach.Step], and the word itself if it has none.
func termOf(word string) string {
	for _, t := range terms {
		if t.Word == word {
			return t.Name
		}
	}
	return word
}
