package reach

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// kind is the kind of an object, which determines the words that apply. The zero value is an object whose only words
// are those about its own descriptor.
type kind uint8

const (
	thing     kind = iota // outside a directory
	account               // a user, computer or service account
	managed               // an account whose password its msDS-GroupMSAMembership gives out
	group                 // a group
	domain                // the head of a domain
	container             // an organizational unit
	unknown               // a directory object without a class
	other                 // a directory object of another class, such as AdminSDHolder or a group policy
)

// word is the name of a right that can be a step, with the kinds of objects on which it is one.
type word struct {
	name  string
	kinds string // letters of kindLetters
}

// kindLetters has one letter for each kind, in order.
const kindLetters = "tamgdcuo"

// wordList has the words from the strongest to the weakest. A step names the strongest granted one (B-9).
var wordList = [...]word{
	{name: genericAll, kinds: "amgdcuo"},
	{name: "WriteDacl", kinds: "tamgdcuo"},
	{name: "WriteOwner", kinds: "tamgdcuo"},
	{name: "ForceChangePassword", kinds: "amu"},
	{name: "AddKeyCredentialLink", kinds: "amu"},
	{name: "AddAllowedToAct", kinds: "amu"},
	{name: "WriteSPN", kinds: "amu"},
	{name: "WriteAltSecurityIdentities", kinds: "amu"},
	{name: "ReadGMSAPassword", kinds: "m"},
	{name: "AddMember", kinds: "gu"},
	{name: "AddSelf", kinds: "gu"},
	{name: "DCSync", kinds: "du"},
	{name: "WriteGPLink", kinds: "dcu"},
}

// Words with special treatment in the search.
const (
	genericAll = "GenericAll"
	writeDacl  = "WriteDacl"
	writeOwner = "WriteOwner"
	readGMSA   = "ReadGMSAPassword"
	dcSync     = "DCSync"
)

// kindWord is a word together with the access masks and object types of the right on one kind of object.
type kindWord struct {
	*word
	right words.Right
}

// asks returns the rights to look for on objects of a manner, from the strongest to the weakest. The caller must not
// change the list. It ignores m.self and m.blocked, and computes each list once. An error is not kept.
func (s *Search) asks(m manner) (list []kindWord, err error) {
	m.self, m.blocked = sid.SID{}, false
	if list, ok := s.words[m]; ok {
		return list, nil
	}
	for i := range wordList {
		w := &wordList[i]
		if !strings.Contains(w.kinds, kindLetters[m.kind:m.kind+1]) {
			continue
		}
		r, err := words.Parse(w.name)
		if err != nil {
			return nil, err
		}
		list = append(list, kindWord{w, r[0].Rooted(m.class, m.typ)})
	}
	s.words[m] = list
	return list, nil
}

// subject holds the facts about an object besides its descriptor.
type subject struct {
	kind     kind
	class    winnt.GUID // zero: not known
	sid      sid.SID    // zero: it is not an account
	user     int        // the principal it is, -1: none
	group    bool
	computer bool
	// controller says that it is a domain controller, on which operators have privileges.
	controller bool
	root       int            // index of its domain in roots, -1: none
	protected  bool           // SDProp copies the rights of AdminSDHolder to it
	managed    *sd.Descriptor // in msDS-GroupMSAMembership; nil: the attribute is missing
}

// subject returns the facts about an object, by its classes or else by its SID. The fact user is -1 if no user has
// the SID. Without an entry only the kind is known, from the object's type. Without classes, a user whose name ends
// in $ is a computer. A malformed msDS-GroupMSAMembership is an error.
func (s *Search) subject(i *objects.Item) (o subject, err error) {
	d := s.Directory
	o.user = -1
	if i.Entry != nil {
		o.sid = i.Entry.SID
	}
	if !i.Entry.Foreign() { // control of a reference is no control of the account in its own domain (B-7)
		if user, ok := s.users[o.sid]; ok {
			o.user = user
		}
		o.group = i.Entry.Is("group") || d.IsGroup(o.sid) && o.user < 0
	}
	o.computer = i.Entry.Is("computer")
	switch {
	case i.Entry != nil && i.Entry.Managed != nil:
		o.kind = managed
	case o.group:
		o.kind = group
	case i.Entry.Is("user") || o.user >= 0:
		o.kind = account
	case i.Entry.Is("domainDNS"):
		o.kind = domain
	case i.Entry.Is("organizationalUnit"):
		o.kind = container
	case i.Type == winnt.DirectoryServiceObject && (i.Entry == nil || len(i.Entry.Classes) == 0):
		o.kind = unknown
	case i.Type == winnt.DirectoryServiceObject:
		o.kind = other
	}
	o.controller = s.controller(i.Path, o.user)
	if i.Entry == nil {
		return o, nil
	}
	if i.Entry.Managed != nil {
		if o.managed, err = sd.Decode(i.Entry.Managed); err != nil {
			return o, fmt.Errorf("%s: msDS-GroupMSAMembership: %w", i.Path, err)
		}
	}
	if n := len(i.Entry.Classes); n > 0 { // the last one is the most derived
		o.class = s.class(i.Entry.Classes[n-1])
	} else if o.user >= 0 {
		o.computer = strings.HasSuffix(d.Principals[o.user].Name, "$")
	}
	return o, nil
}

// class returns the GUID of a class, zero if it is unknown. It stores also that a class is unknown.
func (s *Search) class(name string) (g winnt.GUID) {
	if g, ok := s.classes[name]; ok {
		return g
	}
	g = words.Class(name)
	s.classes[name] = g
	return g
}
