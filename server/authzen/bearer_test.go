package authzen

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestBearerNeedsExactlyOneKnownToken checks which Authorization headers prove a client.
func TestBearerNeedsExactlyOneKnownToken(t *testing.T) {
	caller := Bearer(map[string]Caller{"s": {"service", "gateway"}, "": {"service", "nobody"}})
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{[]string{"Bearer s"}, "gateway"}, {[]string{"bearer s"}, "gateway"}, {[]string{"Bearer S"}, ""},
		{[]string{"Basic s"}, ""}, {[]string{"Bearer  s"}, "gateway"},
		{[]string{"Bearer"}, ""}, {[]string{"Bearer "}, ""}, {nil, ""}, {[]string{"Bearer s", "Bearer s"}, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header["Authorization"] = c.headers
		if who, err := caller(r); who.ID != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %v, %v, want %q", c.headers, who, err, c.want)
		}
	}
}
