package main

import (
	"strings"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/words"
)

// rightWords says how each verb is asked for rights.
const rightWords = "Rights asked for: " + words.Words + "; letters of SDDL (FR, WD), a number or names such as " +
	"FILE_READ_DATA, joined by |"

// flagTexts puts the texts of flagHelp where the flags name them. As variables of kong they
// would cost most of the start: for each of the flags kong reads the text of every variable.
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

// flagHelp holds the texts of flags that several verbs have, or that take more
// than a line.
var flagHelp = map[string]string{
	"types": batch.ObjectTypes,
	"as": "Who asks: a user or group of the directory, DOMAIN\\user, user@realm, Everyone, " +
		"anonymous, guest, or a SID; not needed with one token.",
	"attribute": "Extended attribute of the files that holds the descriptor.",
	"call":      "Routine whose own rules apply: SeAccessCheck or NtAccessCheck.",
	"color":     "Colours: auto (in a terminal, unless NO_COLOR is set), always or never.",
	"canonical": "Sort the entries: explicit refusals, explicit grants, inherited. This changes what the list decides, " +
		"unless it was in order.",
	"certificate": "Write a certificate that refmon-verify checks to FILE, and the descriptor's bytes in hex to FILE.sd.",
	"checkpoint":  "Note the progress in FILE, and go on from there if it exists; needs --out and a file of JSON lines.",
	"directory": "Directory file with users and groups (YAML, JSON, CSV), or what other systems list: passwd and group, " +
		"pdbedit -L -v, LDIF, Get-ADUser's CSV, BloodHound's zip; may be repeated.",
	"directoryAfter": "Directory file of the second state, if users or groups changed too; may be repeated.",
	"disable":        "SIDs that become deny-only: they no longer match entries that allow.",
	"expressions":    "With --for-index: add to each set an expression over SIDs that allows exactly its principals.",
	"changes":        "Only objects whose answer differs from that of the directory above them.",
	"exclude": "Leave out objects by a name such as *.tmp, or by a path such as /srv/*/old, and what is below; may be " +
		"repeated.",
	"names":   "List everybody by name; in a terminal a table has groups, and through which entry.",
	"faults":  "Of two things wrong at once, which one the service answers to: each pair, called on a real kernel.",
	"formats": "table,jsonl,csv,es-bulk,csv-tables",
	"forIndex": "For search indexes: a row an object with the names of its allowed sets, and the table of sets, as " +
		"JSON lines.",
	"idMaps": "Accounts and id maps of refmond (refmond account export): who the uids and gids of files without the " +
		"attribute are.",
	"ignoreSystemACLs": "Take attributes whose POSIX permissions were changed since: for servers with acl_xattr:ignore " +
		"system acls = yes.",
	"blockOwner": "As in a domain with BlockOwnerImplicitRights: who owns a computer may not change its rights by that.",
	"joined":     "How many groups that it was put into on the way a token may be in at once.",
	"json": "Print the answer as a line of the batch format, with its reasons; with --share two, of id share and " +
		"object.",
	"lua":        "Make the limited token of an administrator: administrative groups deny-only, Medium integrity.",
	"members":    "Members of a group: Get-ADGroupMember's CSV, or names, one a line; may be repeated.",
	"objectType": "Ask about a property, property set, extended right or class, by name or GUID; may be repeated.",
	"objects":    "Objects file: JSON lines, CSV, icacls save or LDIF; - for standard input.",
	"out":        "Write the token file here instead of standard output.",
	"paths":      "Files or folders whose descriptors are read from the file system.",
	"offline":    "Read and write the attribute itself: nothing is checked or recorded. Writing takes CAP_SYS_ADMIN.",

	"profile": "What to do where the documents and Windows differ: documented,observed.",
	"questionToken": "Who asks: a token file, - for standard input, a built-in token (guest, user, admin, system, " +
		"network:SID …) " +
		"or JSON; see refmon token show --help.",
	"questionWant":     rightWords + "; MAXIMUM_ALLOWED asks for all there is.",
	"reportCheckpoint": "Note the progress in FILE, and go on from there if it exists; needs a file of JSON lines.",
	"restrict":         "Restricting SIDs: every right must be granted to one of these too.",
	"right": "What to ask for: read, write, modify, full, list, control; words of a directory such as AddMember or " +
		"DCSync; names and masks as check takes them; a right on one property as WP:member. Several joined by " +
		"+.",
	"share": "Share they are reached through, which limits what the objects grant: its descriptor in SDDL or as " +
		"sharesec -v prints it, or its section of smb.conf; may be repeated for both.",
	"to":    "Only the path to this object: its path or DN, or the name of an account.",
	"token": "Token file of a further principal, named by the file, or a built-in token; may be repeated.",
	"type":  "Type of object, which gives generic rights their meaning: " + batch.ObjectTypes + ".",
	"want":  rightWords + "; left out, all there is.",
	"with":  "Further files of another form, as FORM:FILE; may be repeated.",
	"who": "User or group of the directory, DOMAIN\\user, user@realm, Everyone, anonymous, guest, a SID, or a token " +
		"file without its extension.",
}
