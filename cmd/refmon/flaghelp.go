package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/words"
)

// rightWords is the help about the notation of rights.
const rightWords = "Requested rights: " + words.Words + "; SDDL letters (FR, WD), a number or names such as " +
	"FILE_READ_DATA, joined by |"

// flagTexts replaces references in flags by the texts of flagHelp. As kong variables they would take most of the
// start-up time, because kong expands all variables for each flag.
var flagTexts = kong.PostBuild(func(k *kong.Kong) error {
	var pairs []string
	for name, text := range flagHelp {
		pairs = append(pairs, "${"+name+"}", text)
	}
	texts := strings.NewReplacer(pairs...)
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if v, ok := node.(*kong.Value); ok {
			v.Help, v.Enum = texts.Replace(v.Help), texts.Replace(v.Enum)
		}
		return next(nil)
	})
})

// flagHelp holds the help texts of flags that several commands share or that are long.
var flagHelp = map[string]string{
	"aclFrom":   "The present form of the permissions: posix (mode and POSIX ACL) or nfs4.",
	"aclSource": "With --from nfs4: the attribute with the ACL.",
	"nameMaps":  "Also look names up in this export of refmond's accounts (refmond account export).",
	"undoFile":  "Write the undo file here, or continue what an interrupted run began with it.",
	"aclEvery":  "With -r: change the own entries of every file, also if its DACL is protected, as icacls /T does.",
	"aclTo": "What an entry of a directory applies to: all (the directory and its descendants), this (the " +
		"directory), below (only descendants), folders (the directory and folders below), or files (only files below).",
	"sddlText":      "A security descriptor in SDDL, its bytes in hex or base64, or a mask such as 0x1200a9.",
	"sddlDirectory": "Directory file with the names of accounts and the domain of aliases; may be repeated.",
	"types":         accessquery.ObjectTypes,
	"as": "Caller: a user or group of the directory, DOMAIN\\user, user@realm, Everyone, " +
		"anonymous, guest, or a SID; not needed with one token.",
	"whyAs": "The caller: a user by name, or by uid on this host. The argument is the path of a file, or with -d a " +
		"descriptor too.",
	"namesIn":      "File with users and groups, as for refmon access; may be repeated.",
	"whyNamesFrom": "With --as: ask the refmond on this socket for the user (default: its usual socket, if it runs).",
	"whyTree":      "With --as: the directory that is served; by default the topmost directory with a descriptor.",
	"whyLogon":     "With --as: how the user logs on, kerberos, ntlm, interactive or service; by default as on a mount.",
	"whyAttribute": "With --as: the extended attribute with the descriptors.",
	"whyMissing":   "With --as, for a file without a descriptor: refuse access, or synthesise one from the mode.",
	"whyTraverse": "With --as, whether the directories above are tested: privilege (not for holders of " +
		"SeChangeNotifyPrivilege; the default), always (the default with --missing synthesise) or never.",
	"attribute": "Extended attribute of the files with the descriptor (security.NTACL, or the attribute of --share).",
	"call":      "Routine whose own rules apply: SeAccessCheck or NtAccessCheck.",
	"color":     "Colours: auto (in a terminal, unless NO_COLOR is set), always or never.",
	"canonical": "Sort the entries: explicit denials, explicit grants, inherited. This changes the decisions of the " +
		"list, unless it was in order.",
	"certificate": "Write a certificate that refmon-verify checks to FILE, and the descriptor's bytes in hex to " +
		"FILE.sd.",
	"checkpoint": "Save the progress in FILE, and continue from it if it exists; needs --out and a file of JSON " +
		"lines.",
	"auditDirectory": "Directory file whose names are printed next to SIDs; may be repeated.",
	"directory": "Directory file with users and groups (YAML, JSON, CSV), or files of other systems: passwd and group, " +
		"pdbedit -L -v, LDIF, Get-ADUser's CSV, BloodHound's zip; may be repeated. Default: --objects, if it is " +
		"LDIF or that zip.",
	"directoryAfter": "Directory file of the second state, if users or groups changed too; may be repeated.",
	"disable":        "SIDs that become deny-only: they no longer match entries that allow.",
	"expressions":    "With --for-index: add to each set an expression over SIDs that allows exactly its principals.",
	"changes":        "List only objects whose answer differs from that of the directory above.",
	"exclude": "Exclude objects by a name such as *.tmp, or by a path such as /srv/*/old, with their descendants; may " +
		"be repeated.",
	"names":   "List every principal by name. Without it, a table on a terminal shows groups and the granting entry.",
	"faults":  "Show, for each pair of failure conditions, which one decides if both hold. Calls a kernel to find out.",
	"formats": "table,jsonl,csv,es-bulk,csv-tables",
	"forIndex": "For search indexes: write JSON lines, one for each object with the names of its allowed sets, and the " +
		"table of sets.",
	"idMaps": "Accounts and id maps of refmond (refmond account export), which give the SIDs of uids and gids for " +
		"files without the attribute.",
	"ignoreSystemACLs": "Use attributes even if the POSIX permissions have changed since, as servers with " +
		"acl_xattr:ignore system acls = yes do.",
	"baseline":          "Directory: show what changed since this earlier export of the objects.",
	"baselineDirectory": "Users and groups of --baseline. Default: as now; its own if -d and -o are one file.",
	"important":         "Directory: also list who reaches OBJECT, by its name. Repeatable.",
	"helpTopic":         "A command such as why or audit verify, a topic (rights, tokens, exits), or a rule such as A-71.",
	"lintType":          "Type of object. Default: directoryService by its entries, else directory (of files).",
	"lintDomain":        "SID of the domain of aliases such as DA and DU. Default: the domain of -d, or of LDIF.",
	"lintDirectory":     "Directory file with names and domain of the accounts; may be repeated. Default: LDIF itself.",
	"ordinary":          "Directory: also list objects on which WHO has only what every user has.",
	"blockOwner": "Decide as a domain with BlockOwnerImplicitRights: " +
		"the owner of a computer may not change its rights.",
	"joined": "Maximum number of joined groups that a token keeps at the same time.",
	"json": "Print the answer as a line of the batch format, with its reasons; with --share two lines, with the ids " +
		"share and object.",
	"lua": "Create the limited token of an administrator: administrative groups deny-only, Medium integrity.",
	"logon": "How the users log on: kerberos or ntlm (over the network), interactive or service. Default: the key logon " +
		"of the directory file, or kerberos; for private, each of them.",
	"members":    "Members of a group: Get-ADGroupMember's CSV, or one name in each line; may be repeated.",
	"objectType": "Request rights on a property, property set, extended right or class, by name or GUID; may be repeated.",
	"objects": "Objects file: JSON lines, CSV, LDIF, icacls save, the output of icacls, Get-Acl or accesschk -l, or " +
		"BloodHound's JSON or zip; - for standard input.",
	"out":   "Write the token file here instead of standard output.",
	"paths": "Files or folders whose descriptors are read from the file system.",
	"namedPaths": "Files or folders whose descriptors are read from the file system; with --objects, names of " +
		"its objects.",
	"offline": "Read and write the attribute itself, without a check or a record. Writing needs CAP_SYS_ADMIN.",

	"privateObject":    "The path of a file or directory, here or in --objects, or a security descriptor in SDDL or hex.",
	"privateAllow":     "Another who may have access, such as 'Domain Admins': a name or a SID; may be repeated.",
	"privateParent":    "With SDDL: the descriptor of the folder that holds the object; repeat it for hard links.",
	"privateAttribute": "For a path: the attribute with the descriptor (security.NTACL).",
	"profile":          "Behaviour where the documents and Windows differ: documented or observed.",
	"questionToken": "Token of the caller: a token file, - for standard input, a built-in token (guest, user, admin, " +
		"system, network:SID …) " +
		"or JSON; see refmon token show --help.",
	"questionWant": rightWords + "; MAXIMUM_ALLOWED requests all rights.",
	"accessWant":   rightWords + "; MAXIMUM_ALLOWED requests all rights. Default: to open a file for reading.",
	"reachWho": "User or group of the directory, a SID, or an alias such as DA; without one, --to lists everybody who " +
		"reaches an object.",
	"reportCheckpoint": "Save the progress in FILE, and continue from it if it exists; needs a file of JSON lines.",
	"restrict":         "Restricting SIDs: every right must also be granted to one of these.",
	"right": "Right: read, write, modify, full, list, control; words for objects of Active Directory such as AddMember " +
		"or DCSync; names and masks as in refmon check; a right on one property as WP:member. Join several by +.",
	"share": "Share through which clients access the objects, and which limits their rights: its descriptor in SDDL or " +
		"as sharesec -v prints it, or its section of smb.conf. Repeat the flag to give both.",
	"traverse": "The test of the folders above a file: host (the user must have the search permission on each, by mode " +
		"and POSIX ACL, as with smbd; the default for paths) or never (only the file's own descriptor decides; the " +
		"only policy for --objects, whose rows have no modes of folders).",
	"to": "Print only the paths to this object: its path or DN, or the sAMAccountName, user principal name, SID " +
		"or alias (DA) of an account.",
	"token": "Token file of a further principal, named by the file, or a built-in token; may be repeated.",
	"type":  "Type of object, which gives generic rights their meaning: " + accessquery.ObjectTypes + ".",
	"with":  "Further files of another form, as FORM:FILE; may be repeated.",
	"who": "User or group of the directory, DOMAIN\\user, user@realm, Everyone, anonymous, guest, a SID, an alias such " +
		"as DA, or a token file without its extension.",
}

// withFormat improves two command line errors and returns any other error unchanged. An unknown flag named after a
// format, such as --csv, gets a hint to -f; --json hints at jsonl. A missing argument gets the argument's help
// (U-133).
func withFormat(err error) error {
	parse, ok := errorAs[*kong.ParseError](err)
	if !ok || parse.Context == nil || parse.Context.Selected() == nil {
		return err
	}
	if missing, ok := strings.CutPrefix(err.Error(), `expected "<`); ok { // (U-133)
		for _, p := range parse.Context.Selected().Positional {
			if strings.HasPrefix(missing, p.Name+">") {
				return fmt.Errorf("missing argument <%s>: %s", p.Name, strings.TrimSuffix(p.Help, "."))
			}
		}
	}
	_, name, _ := strings.Cut(err.Error(), "unknown flag --")
	name, _, _ = strings.Cut(name, ",")
	if name == "json" {
		name = "jsonl"
	}
	for _, f := range parse.Context.Selected().Flags {
		if f.Name == "format" && slices.Contains(f.EnumSlice(), name) {
			return fmt.Errorf("%w: the flag for a format is -f %s", err, name)
		}
	}
	return err
}
