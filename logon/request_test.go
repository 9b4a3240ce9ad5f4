package logon_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestSystemOrAdministratorsTokenIsAdministrator checks that a result counts as an administrator's if one of its tokens
// is SYSTEM's or has Administrators enabled. A token enables a group whose attributes are 0 (T-143).
func TestSystemOrAdministratorsTokenIsAdministrator(t *testing.T) {
	plain := func(s sid.SID, groups ...token.Group) *token.Spec {
		return &token.Spec{User: token.Group{SID: s}, Groups: groups}
	}
	user := sid.MustParse(alice)
	group := func(s sid.SID, a uint32) token.Group { return token.Group{SID: s, Attributes: a} }
	type row struct {
		spec *token.Spec
		want bool
	}
	rows := []row{{nil, false}, {plain(user), false}, {plain(sid.LocalSystem), true}, {plain(sid.Administrators), false},
		{plain(user, group(sid.LocalSystem, token.GroupDefault)), false},
		{plain(user, group(sid.Users, token.GroupDefault), group(sid.Administrators, 0)), true}}
	for _, a := range []uint32{token.GroupDisabled, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_ENABLED_BY_DEFAULT,
		token.GroupDefault, winnt.SE_GROUP_USE_FOR_DENY_ONLY, winnt.SE_GROUP_OWNER,
		token.GroupDefault | winnt.SE_GROUP_OWNER} {
		rows = append(rows, row{plain(user, group(sid.Administrators, a)), a&winnt.SE_GROUP_ENABLED != 0},
			row{plain(user, group(sid.BackupOperators, a)), false})
	}
	for i, first := range rows[1:] {
		for j, second := range rows {
			r := logon.Result{Token: *first.spec, Linked: second.spec}
			check.Equal(t, r.Administrator(), first.want || second.want, "%s", fmt.Sprint(i, " and", j))
		}
	}
}

// No format verb and no encoder prints a secret (L-1).
func TestSecretIsNeverPrinted(t *testing.T) {
	r := logon.Request{Name: "alice", Password: "hunter2"}
	text := check.Must(json.Marshal(r))
	shown := []string{string(text), fmt.Errorf("refused: %v", r.Password).Error(), r.Password.String(),
		errors.Join(fmt.Errorf("%w %s", errors.ErrUnsupported, r.Password)).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%20s", "%T %v"} {
		shown = append(shown, fmt.Sprintf(verb, r.Password), fmt.Sprintf(verb, r), fmt.Sprintf(verb, &r),
			fmt.Sprintf(verb, []any{r.Password}))
	}
	check.Equal(t, fmt.Sprint(r.Password), "***", "a secret is shown as")
	for _, s := range shown {
		for _, clear := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117"} {
			check.That(t, !strings.Contains(s, clear), "shown: %s, want text without %q", s, clear)
		}
	}
}
