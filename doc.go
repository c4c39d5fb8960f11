// Package beforehand makes slow pages instant: whatever is expensive to
// compute is computed beforehand, on a schedule, once, and every reader is
// handed the last finished result.
package beforehand
