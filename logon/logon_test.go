package logon_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/logon"
)

// TestSecret: no verb and no encoder shows a secret (L-1).
func TestSecret(t *testing.T) {
	r := logon.Request{Name: "alice", Password: "hunter2"}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(text), fmt.Errorf("refused: %v", r.Password).Error(), r.Password.String(),
		errors.Join(fmt.Errorf("%w %s", errors.ErrUnsupported, r.Password)).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%20s", "%T %v"} {
		shown = append(shown, fmt.Sprintf(verb, r.Password), fmt.Sprintf(verb, r), fmt.Sprintf(verb, &r),
			fmt.Sprintf(verb, []any{r.Password}))
	}
	for _, s := range shown {
		for _, clear := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117"} {
			if strings.Contains(s, clear) {
				t.Errorf("shown: %s", s)
			}
		}
	}
}
