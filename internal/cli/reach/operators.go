package reach

import (
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// operator is a built-in group whose members have user rights on domain controllers by default. No descriptor of the
// directory shows these rights.
type operator struct {
	group sid.SID
	// by describes the rights that let a member take over a domain controller; "": the group has none.
	by string
	// gives describes what membership means.
	gives string
}

// operators has the defaults of "Active Directory security groups" on learn.microsoft.com.
var operators = [...]operator{
	{sid.BackupOperators, "SeBackupPrivilege and SeRestorePrivilege",
		"its members back up and restore every file of a domain controller"},
	{sid.ServerOperators, "SeBackupPrivilege and SeRestorePrivilege",
		"its members back up and restore every file of a domain controller and change its services"},
	{sid.PrintOperators, "SeLoadDriverPrivilege", "its members load drivers on a domain controller"},
	{sid.AccountOperators, "", "its members log on to domain controllers"},
}

// operatorPrivileges is the word of a step from an operator to a domain controller. It is not a question about a
// descriptor (B-46).
var operatorPrivileges = word{name: "OperatorPrivileges"}

// Operator returns a description of what membership in a built-in operators' group gives on domain controllers. It
// returns "" for other groups.
func Operator(group sid.SID) string {
	for i := range operators {
		if operators[i].group == group {
			return operators[i].gives
		}
	}
	return ""
}

// operatorOf returns the first group of a token whose members can take over a domain controller, nil if none.
func operatorOf(t *token.Token) *operator {
	for i := range operators {
		if o := &operators[i]; o.by != "" && t.Member(o.group, false) {
			return o
		}
	}
	return nil
}

// controller reports whether a principal is a domain controller: a computer account that is in a group of controllers,
// or whose object is in the unit Domain Controllers. user is -1 for no principal.
func (s *Search) controller(path string, user int) bool {
	if user < 0 || !strings.HasSuffix(s.Directory.Principals[user].Name, "$") {
		return false
	}
	t, domain := s.Directory.Principals[user].Token, s.Directory.Domain
	return !domain.IsZero() && (t.Member(domain.WithRID(516), false) || t.Member(domain.WithRID(521), false)) ||
		strings.Contains(strings.ToUpper(path), ",OU=DOMAIN CONTROLLERS,")
}

// operators adds the rights on a domain controller that built-in operators' groups have by user rights, not by a
// descriptor. It appends them to answers and returns the result; other objects get nothing. The appended answer may
// hold no token.
func (a *asker) operators(object int, answers []answer) []answer {
	if !a.search.about[object].controller {
		return answers
	}
	all := answer{kindWord: kindWord{word: &operatorPrivileges}, set: make(effective.Set, (len(a.tokens)+63)/64)}
	for i, t := range a.tokens {
		if operatorOf(t) != nil {
			all.set[i/64] |= 1 << (i % 64)
		}
	}
	return append(answers, all)
}

// tokenOf returns the token of a principal.
func (s *Search) tokenOf(user int) *token.Token { return s.Directory.Principals[user].Token }
