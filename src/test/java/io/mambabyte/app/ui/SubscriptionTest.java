package io.mambabyte.app.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** What a browser that does not read costs. */
class SubscriptionTest {
    private final List<String> written = new ArrayList<>();
    private final List<Callback> pending = new ArrayList<>();
    private final AtomicInteger ended = new AtomicInteger();
    private final Subscription subscription =
            new Subscription(LineFilter.ALL, this::write, _ -> ended.incrementAndGet());

    private void write(ByteBuffer bytes, Callback callback) {
        written.add(StandardCharsets.UTF_8.decode(bytes).toString());
        pending.add(callback);
    }

    private void offer(int from, int to) {
        for (int i = from; i < to; i++) {
            subscription.offer(Integer.toString(i).getBytes(StandardCharsets.UTF_8));
        }
    }

    @Test
    void shouldWriteOneEventAtATime() {
        offer(0, 3);
        assertEquals(List.of("0"), written);
        pending.getFirst().succeeded();
        pending.get(1).succeeded();
        assertEquals(List.of("0", "1", "2"), written);
        assertEquals(0, subscription.dropped());
    }

    @Test
    void shouldDropTheOldestAndCountThem() {
        int offered = 100;
        offer(0, offered);
        assertEquals(offered - 1 - Subscription.QUEUE_MAX, subscription.dropped());
        for (int i = 0; i <= Subscription.QUEUE_MAX; i++) {
            pending.get(i).succeeded();
        }
        List<String> expected = new ArrayList<>(List.of("0"));
        for (int i = offered - Subscription.QUEUE_MAX; i < offered; i++) {
            expected.add(Integer.toString(i));
        }
        assertEquals(expected, written);
    }

    @Test
    void shouldEndOnceWhenAWriteFails() {
        offer(0, 5);
        pending.getFirst().failed(new IOException("gone"));
        subscription.end();
        offer(5, 10);
        assertEquals(List.of("0"), written);
        assertEquals(1, ended.get());
    }
}
