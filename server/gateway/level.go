package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/refmon/refmon/server/gateway/dav"
)

// Time steps at which refusals are sent. refmond takes longer for a hidden name than for a missing one, and for a
// known user than for an unknown one: it reads the descriptor or stores the failure.
const (
	nameStep  = 2 * time.Millisecond   // for names: most responses are ready after a tenth of this step
	logonStep = 250 * time.Millisecond // for passwords: a hash takes about 100 ms
)

// levels are the time steps that hide how long a refusal took, for hidden names and for failed logons. The zero value
// sends refusals immediately.
type levels struct{ name, logon time.Duration }

// level hides how long refmond took for a refusal: it blocks until the time since begun is a multiple of step (G-48).
// It returns immediately if step or begun is zero, and early when ctx ends.
func level(ctx context.Context, begun time.Time, step time.Duration) {
	if step <= 0 || begun.IsZero() {
		return
	}
	wait := time.NewTimer(step - time.Since(begun)%step)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// refuse sends an HTTP error as the response. It delays a 403, 404, 409 or 412 to a time step, because the time to a
// response could show whether a hidden name exists. A 412 can depend on the hidden name of an If header.
func (q *request) refuse(w http.ResponseWriter, r *http.Request, f dav.Refusal) {
	switch f.Code() {
	case http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed:
		level(q.ctx, q.begun, q.g.levels.name)
	}
	f.Answer(w, r)
}
