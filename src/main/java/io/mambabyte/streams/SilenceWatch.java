package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/** When the keys of a task will have been silent for too long, by the task's clock. */
final class SilenceWatch {
    private record Due(long atMs, Bytes whose) {}

    private final Map<Bytes, Long> deadlines = new HashMap<>();

    // One entry for each key, which may be early: a key that spoke since is put back.
    private final PriorityQueue<Due> queue =
            new PriorityQueue<>((a, b) -> Long.compare(a.atMs(), b.atMs()));

    SilenceWatch() {}

    /**
     * A key spoke, or is known to have.
     *
     * @param whose which key
     * @param atMs when it will have been silent for too long; {@code Long.MAX_VALUE} for never
     */
    void expect(Bytes whose, long atMs) {
        if (atMs == Long.MAX_VALUE) {
            return;
        }
        if (deadlines.put(whose, atMs) == null) {
            queue.add(new Due(atMs, whose));
        }
    }

    /**
     * The keys that are due; they are not watched any more until they speak.
     *
     * @param clockMs the task's clock
     * @return which keys
     */
    List<Bytes> due(long clockMs) {
        List<Bytes> silent = new ArrayList<>();
        for (Due due = queue.peek(); due != null && due.atMs() < clockMs; due = queue.peek()) {
            queue.remove();
            long deadline = deadlines.getOrDefault(due.whose(), Long.MAX_VALUE);
            if (deadline < clockMs) {
                deadlines.remove(due.whose());
                silent.add(due.whose());
            } else {
                queue.add(new Due(deadline, due.whose()));
            }
        }
        return silent;
    }
}
