package io.mambabyte.streams.registry;

import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** What an instance shows a Schema Registry about itself: the Authorization header. */
final class RegistryCredentials {
    private RegistryCredentials() {}

    /**
     * The header's value.
     *
     * @param config the settings
     * @return {@code Bearer ...} or {@code Basic ...}, empty where no credentials are configured
     * @throws ConfigException if they are incomplete, or of a kind that is not supported
     */
    static Optional<String> authorization(ConfluentAvroConfig config) {
        String bearer = config.getString(ConfluentAvroConfig.BEARER_SOURCE_CONFIG);
        Password token = config.getPassword(ConfluentAvroConfig.BEARER_TOKEN_CONFIG);
        if (!bearer.isEmpty()) {
            if (token.value().isEmpty()) {
                throw new ConfigException(
                        ConfluentAvroConfig.BEARER_TOKEN_CONFIG
                                + " is missing, which "
                                + ConfluentAvroConfig.BEARER_SOURCE_CONFIG
                                + " asks for");
            }
            return Optional.of("Bearer " + token.value());
        }
        String source = config.getString(ConfluentAvroConfig.BASIC_SOURCE_CONFIG);
        String userInfo =
                source.equals("USER_INFO") ? config.userInfo() : userInfoOfUrl(config.urls());
        if (source.equals("USER_INFO") && !userInfo.contains(":")) {
            throw new ConfigException(
                    ConfluentAvroConfig.BASIC_USER_INFO_CONFIG
                            + " is to be USER:PASSWORD, which "
                            + ConfluentAvroConfig.BASIC_SOURCE_CONFIG
                            + " USER_INFO asks for");
        }
        return userInfo.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "Basic "
                                + Base64.getEncoder()
                                        .encodeToString(userInfo.getBytes(StandardCharsets.UTF_8)));
    }

    /** An address without the user and password in it, for requests and messages. */
    static String withoutUserInfo(String url) {
        return url.replaceFirst("://[^/@]*@", "://");
    }

    private static String userInfoOfUrl(List<String> urls) {
        for (String url : urls) {
            String userInfo = URI.create(url).getUserInfo();
            if (userInfo != null) {
                return userInfo;
            }
        }
        return "";
    }
}
