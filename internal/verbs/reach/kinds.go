package reach

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// kind says which words mean something on an object. The zero value is an object
// that only its rights can be changed of.
type kind uint8

const (
	thing     kind = iota
	account        // a user, computer or service account
	managed        // an account whose password its msDS-GroupMSAMembership gives out
	group          // a group
	domain         // the head of a domain
	container      // an organizational unit
	unknown        // an object of a directory that does not tell its class
)

// word is a right that a step can be made of.
type word struct {
	name  string
	kinds string // letters of kindLetters
	ends  bool   // it gives nothing that the search goes on from
}

// kindLetters has a letter for each kind, in their order.
const kindLetters = "tamgdcu"

// wordList has the words from the strongest to the weakest; a step names the
// first that is granted (B-9).
var wordList = [...]word{
	{name: "GenericAll", kinds: "amgdcu"},
	{name: "WriteDacl", kinds: "tamgdcu"},
	{name: "WriteOwner", kinds: "tamgdcu"},
	{name: "ForceChangePassword", kinds: "amu"},
	{name: "AddKeyCredentialLink", kinds: "amu"},
	{name: "AddAllowedToAct", kinds: "amu"},
	{name: "WriteSPN", kinds: "amu"},
	{name: "WriteAltSecurityIdentities", kinds: "amu"},
	{name: "ReadGMSAPassword", kinds: "m"},
	{name: "AddMember", kinds: "gu"},
	{name: "AddSelf", kinds: "gu"},
	{name: "DCSync", kinds: "du", ends: true},
	{name: "WriteGPLink", kinds: "dcu", ends: true},
}

// Words that the search treats in a way of their own.
const (
	writeDacl  = "WriteDacl"
	writeOwner = "WriteOwner"
	readGMSA   = "ReadGMSAPassword"
)

// asked is a word with its right on a kind of object.
type asked struct {
	*word
	right words.Right
}

// asks returns the words of a kind of object of a class, in the order of wordList.
func (s *Search) asks(m manner) (list []asked, err error) {
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
		list = append(list, asked{w, r[0].Rooted(m.class, m.typ)})
	}
	s.words[m] = list
	return list, nil
}

// subject holds what is known about an object besides its descriptor.
type subject struct {
	kind     kind
	class    winnt.GUID // zero: not known
	sid      sid.SID    // zero: it is no account
	user     int        // the principal it is, -1: none
	group    bool
	computer bool
	managed  *sd.Descriptor // in msDS-GroupMSAMembership; nil: the object has not got it
}

// subject says what an object is: by its classes, or else by its SID in the
// directory.
func (all *Search) subject(i *objects.Item) (s subject, err error) {
	d := all.Directory
	s.user = -1
	if i.Entry != nil {
		s.sid = i.Entry.SID
	}
	if user, ok := all.users[s.sid]; ok {
		s.user = user
	}
	isGroup := d.IsGroup(s.sid)
	s.group = i.Entry.Is("group") || isGroup && s.user < 0
	s.computer = i.Entry.Is("computer")
	switch {
	case i.Entry != nil && i.Entry.Managed != nil:
		s.kind = managed
	case s.group:
		s.kind = group
	case i.Entry.Is("user") || s.user >= 0:
		s.kind = account
	case i.Entry.Is("domainDNS"):
		s.kind = domain
	case i.Entry.Is("organizationalUnit"):
		s.kind = container
	case i.Type == winnt.DirectoryServiceObject && (i.Entry == nil || len(i.Entry.Classes) == 0):
		s.kind = unknown
	}
	if i.Entry == nil {
		return s, nil
	}
	if i.Entry.Managed != nil {
		if s.managed, err = sd.Decode(i.Entry.Managed); err != nil {
			return s, fmt.Errorf("%s: msDS-GroupMSAMembership: %w", i.Path, err)
		}
	}
	if n := len(i.Entry.Classes); n > 0 { // the last one is the most derived
		s.class = all.class(i.Entry.Classes[n-1])
	} else if s.user >= 0 {
		s.computer = strings.HasSuffix(d.Principals[s.user].Name, "$")
	}
	return s, nil
}

// class returns the GUID of a class, the zero GUID if it has none here.
func (all *Search) class(name string) (g winnt.GUID) {
	if g, ok := all.classes[name]; ok {
		return g
	}
	for _, e := range adrights.ByName(name) {
		if e.Kind == adrights.Class {
			g = e.GUID
		}
	}
	all.classes[name] = g
	return g
}
